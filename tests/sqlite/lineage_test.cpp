#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/ledger.hpp"
#include "common/revision/digest.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using revision::Direction;

namespace {

RowHash head_hash(const fs::path& file, Seq seq) {
    const auto opened = journal::Journal::open(file);
    const auto hash = opened->hash_at(seq);
    REQUIRE(hash);
    return *hash;
}

}  // namespace

TEST_CASE("down to gen8 and up again keeps identity, hashes, statuses and what gen8 can't hold") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, FieldShape{"gen3", 0, 2, ""}, 12);
    journal::adopt(file);
    for (int number = 101; number <= 110; ++number) {
        Plain(file).insert(release("gen8").insert, id_of(number), number);
    }
    Plain(file).exec(
        "UPDATE pours SET status = 'held' WHERE seq IN (14, 15, 16); UPDATE pours SET status = "
        "'quarantined' WHERE seq = 13"
    );
    const auto hash = head_hash(file, 22);
    const auto everything = Plain(file).rows(
        "SELECT seq, client_tx_id, data, recorded_at, legacy_status, status FROM pours ORDER BY seq"
    );
    const auto identity =
        Plain(file).one("SELECT journal_id, epoch, created_at FROM tapline_journal");

    const auto down = journal::migrate_file(file, Direction::downgrade, "gen8");
    CHECK(down.result.current == "gen8");
    REQUIRE(down.backup);
    CHECK(
        Plain(file).rows("SELECT status FROM pours WHERE rowid BETWEEN 13 AND 16") ==
        std::vector<std::string>{"rejected", "new", "new", "new"}
    );
    CHECK_THROWS_AS(journal::Journal::open(file), Error);

    SECTION("untouched meanwhile") {
        CHECK(journal::adopt(file).recognised == "gen8");
        CHECK(
            Plain(file).rows("SELECT seq, client_tx_id, data, recorded_at, legacy_status, status "
                             "FROM pours ORDER BY seq") == everything
        );
        CHECK(head_hash(file, 22) == hash);
    }
    SECTION("the old loop settled some, and the tap poured on") {
        Plain(file).exec("UPDATE pours SET status = 'confirmed' WHERE rowid = 14");
        Plain(file).insert(release("gen8").insert, id_of(900), 1);
        Plain(file).insert(release("gen8").insert, id_of(901), 2);
        Plain(file).exec(
            "UPDATE pours SET status = 'confirmed' WHERE client_tx_id = '" + id_of(900) + "'"
        );
        const auto report = journal::adopt(file);
        CHECK(report.adopted_through == 24);
        CHECK(head_hash(file, 22) == hash);
        CHECK(Plain(file)
                  .rows("SELECT seq, status, legacy_status, recorded_at FROM pours WHERE seq IN "
                        "(13, 14, 15, 23, 24)")[1]
                  .starts_with("14|confirmed|NULL|2"));
        CHECK(
            Plain(file).rows(
                "SELECT seq, status, legacy_status, recorded_at FROM pours WHERE seq > 22"
            ) == std::vector<std::string>{"23|confirmed|confirmed|NULL", "24|new|new|NULL"}
        );
    }
    SECTION("the newest pours were deleted, and their rowids used again") {
        Plain(file).exec("DELETE FROM pours WHERE rowid >= 20");
        Plain(file).insert(release("gen8").insert, id_of(902), 3);
        REQUIRE(Plain(file).one("SELECT max(rowid) FROM pours") == "20");
        journal::adopt(file);
        CHECK(Plain(file).one("SELECT max(seq) FROM pours") == "23");
        CHECK(Plain(file).one("SELECT client_tx_id FROM pours WHERE seq = 23") == id_of(902));
    }
    SECTION("the file was dumped and loaded, which numbers rowids anew") {
        Plain(file).exec(
            "CREATE TABLE other AS SELECT rowid + 500 AS r, client_tx_id AS c FROM pours; UPDATE "
            "pours SET rowid = rowid + 500 WHERE client_tx_id IS NOT NULL; DROP TABLE other"
        );
        journal::adopt(file);
        CHECK(head_hash(file, 22) == hash);
    }
    CHECK(Plain(file).one("SELECT journal_id, epoch, created_at FROM tapline_journal") == identity);
    CHECK(Plain(file).one("SELECT count(*) FROM sqlite_schema WHERE name = 'tapline_left'") == "0");
    CHECK(journal::check(file).problem.empty());
}

TEST_CASE("every step down and up again keeps every cell of a gen8 journal") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, FieldShape{"gen4", 0, 0, ""}, 40);
    journal::migrate_file(file, Direction::upgrade, "gen8");
    for (int number = 101; number <= 130; ++number) {
        Plain(file).insert(release("gen6").insert, id_of(number), number);
    }
    Plain(file).exec(
        "UPDATE pours SET attempts = NULL WHERE rowid = 5; UPDATE pours SET tail_volume_ml = 'x', "
        "duration_ms = 77 WHERE rowid > 50"
    );
    constexpr auto everything =
        "SELECT rowid, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, "
        "volume_ml, tail_volume_ml, price_cents, "
        "status, attempts, price_per_ml_at_pour FROM pours ORDER BY rowid";
    const auto before = Plain(file).rows(everything);
    for (const auto* target : {"gen7", "gen6", "gen5", "gen4", "gen1"}) {
        const auto down = journal::migrate_file(file, Direction::downgrade, target);
        CHECK(down.result.current == target);
        CHECK(journal::current(file).name == target);
    }
    journal::migrate_file(file, Direction::upgrade, "+1");
    CHECK(journal::current(file).name == "gen4");
    journal::migrate_file(file, Direction::upgrade, "gen8");
    CHECK(Plain(file).rows(everything) == before);
    CHECK_FALSE(journal::migrate_file(file, Direction::upgrade, "gen8").backup);
    CHECK(journal::adopt(file).head == "j0001");
}

TEST_CASE("a journal that went down to any release is adopted again, as the same journal") {
    const auto* target = GENERATE("gen8", "gen7", "gen6", "gen5", "gen4", "gen1");
    CAPTURE(target);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 10);
    Plain(file).exec("UPDATE pours SET start_ts = '', end_ts = '' WHERE rowid > 0");
    journal::adopt(file);
    const auto hash = head_hash(file, 10);
    const auto identity = Plain(file).one("SELECT journal_id FROM tapline_journal");
    journal::migrate_file(file, Direction::downgrade, target);
    CHECK(journal::adopt(file).head == "j0001");
    CHECK(head_hash(file, 10) == hash);
    CHECK(Plain(file).one("SELECT journal_id FROM tapline_journal") == identity);
    CHECK(journal::check(file).problem.empty());
}

TEST_CASE("a downgrade that can't keep a row is rolled back") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen4", 5);
    Plain(file).exec("INSERT INTO pours (client_tx_id) VALUES ('all NULL')");
    const auto before = account_of(file);
    CHECK_THROWS_AS(journal::migrate_file(file, Direction::downgrade, "gen1"), Error);
    CHECK(account_of(file) == before);
    CHECK(journal::current(file).name == "gen4");
}

TEST_CASE("the log tells every step, and the newest entry is where the file is") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen6", 7);
    journal::adopt(file);
    journal::migrate_file(file, Direction::downgrade, "gen8");
    journal::adopt(file);
    std::vector<std::string> steps;
    for (const auto& entry : journal::history(file)) {
        steps.push_back(fmt::format(
            "{} {} {}->{}", entry.direction, entry.revision, entry.found, entry.current_after
        ));
        CHECK(entry.digest.size() == 64);
        CHECK_FALSE(entry.downgrade_sql.empty());
    }
    CHECK(
        steps ==
        std::vector<std::string>{
            "upgrade gen7 gen6->gen7",
            "upgrade gen8 gen7->gen8",
            "upgrade j0001 gen8->j0001",
            "downgrade j0001 j0001->gen8",
            "upgrade j0001 gen8->j0001"}
    );
}

TEST_CASE("a revision that only a newer agent knew is stepped down by the SQL it left") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 7);
    journal::adopt(file);
    {
        journal::Database newer(file);
        newer.exec("ALTER TABLE pours ADD COLUMN glass TEXT");
        journal::append_ledger(
            newer,
            {"j0099",
             "j0001",
             "upgrade",
             "j0001",
             "j0099",
             "digest",
             "",
             8,
             1,
             "9.9.9",
             "-- tapline: downgrade\nALTER TABLE pours DROP COLUMN glass;\n"}
        );
    }
    for (const auto& refuse :
         {+[](const fs::path& path) { (void)journal::Journal::open(path); },
          +[](const fs::path& path) { (void)journal::adopt(path); }}) {
        try {
            refuse(file);
            FAIL("accepted");
        } catch (const Error& error) {
            CHECK(error.code() == "newer_revision");
            CHECK(exit_code(error.kind()) == 3);
        }
    }
    CHECK(journal::migrate_file(file, Direction::downgrade, "j0001").result.current == "j0001");
    CHECK(journal::Journal::open(file)->identity().revision == "j0001");
}

TEST_CASE("a revision applied from another file than the program carries stops everything") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 7);
    journal::adopt(file);
    Plain(file).exec("UPDATE tapline_revision SET digest = 'edited' WHERE revision = 'j0001'");
    try {
        (void)journal::Journal::open(file);
        FAIL("opened");
    } catch (const Error& error) {
        CHECK(error.code() == "revision_changed");
    }
}

TEST_CASE("check names what somebody changed in tapline's own objects") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 7);
    journal::adopt(file);
    CHECK(journal::check(file).problem.empty());
    Plain(file).exec("DROP TRIGGER tapline_pour_is_kept");
    const auto report = journal::check(file);
    CHECK(report.problem == "drift");
    REQUIRE(report.differences.size() == 1);
    CHECK(report.differences.front().object == "trigger tapline_pour_is_kept");
    CHECK(report.differences.front().kind == "removed");
}

// Applied files are frozen: a journal in the field keeps these digests for ever. A failure here
// means that a released file was edited; write a new revision instead.
TEST_CASE("the digests of released revisions are what the field has") {
    std::vector<std::string> lines;
    for (const auto& revision : journal::journal_lineage().revisions()) {
        lines.push_back(revision.id + " " + revision::digest(revision));
    }
    std::ifstream frozen(TAPLINE_FROZEN_DIGESTS);
    std::vector<std::string> expected;
    for (std::string line; std::getline(frozen, line);) {
        expected.push_back(line);
    }
    CHECK(lines == expected);
}

TEST_CASE("A log that names a revision which the schema isn't is corrected by a stamp") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen7", 3);
    (void)journal::adopt(file);
    {
        journal::Database database(file);
        database.exec(
            "INSERT INTO tapline_revision (revision, revises, direction, found, "
            "current_after, digest, first_seq, duration_ms, agent_version, downgrade_sql) "
            "VALUES ('j0099', 'j0001', 'upgrade', 'j0001', 'j0099', '', 4, 1, '9.9', "
            "'-- tapline: downgrade' || char(10) || 'DROP TABLE pours;')"
        );
        CHECK(journal::ledger_revision(database) == "j0099");
    }
    CHECK_THROWS_AS(journal::stamp_file(file, "gen8"), Error);
    CHECK(journal::stamp_file(file, "j0001").found == "j0099");
    CHECK(journal::migrate_file(file, Direction::downgrade, "gen8").result.current == "gen8");
    journal::Database database(file);
    CHECK(database.integer("SELECT count(*) FROM pours") == 3);
}

TEST_CASE("What a stepped-down journal looks like can be stamped, and nothing else") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 3);
    (void)journal::adopt(file);
    (void)journal::migrate_file(file, Direction::downgrade, "gen5");
    CHECK(journal::stamp_file(file, "gen5").current == "gen5");
    {
        journal::Database database(file);
        database.exec("CREATE TRIGGER tapline_left_over AFTER INSERT ON pours BEGIN SELECT 1; END");
    }
    try {
        (void)journal::stamp_file(file, "gen5");
        FAIL("a trigger of ours is still there");
    } catch (const journal::FileError& error) {
        REQUIRE(error.differences().size() == 1);
        CHECK(error.differences().front().object == "trigger tapline_left_over");
    }
}

TEST_CASE("stamp writes the log only for the shape that the file has") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen7", 3);
    journal::Database database(file);
    CHECK_THROWS_AS(journal::stamp(database, "gen8"), Error);
    CHECK(journal::stamp(database, "gen7").current == "gen7");
    CHECK(journal::ledger_revision(database) == "gen7");
}
