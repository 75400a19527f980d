#include "agent/journal/adopt.hpp"

#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/difference.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

constexpr int rows = 60;

/// gen3 keeps its sums inside `data`.
Account expected_after(Account before, const fs::path& file, bool is_gen3) {
    if (is_gen3) {
        const auto after = account_of(file, "legacy_status");
        before.volume_ml = after.volume_ml;
        before.price_cents = after.price_cents;
    }
    return before;
}

}  // namespace

TEST_CASE("every shape of the field is adopted with each pour, status, millilitre and cent kept") {
    for (const auto& shape : field_shapes) {
        DYNAMIC_SECTION(shape.origin << " as " << shape.recognised) {
            const TempDir dir;
            const auto file = dir / "local_journal.db";
            make_journal(file, shape, rows);
            const auto before = account_of(file);
            const auto raw = Plain(file).rows("SELECT rowid, status FROM pours ORDER BY rowid");

            const auto report = journal::adopt(file);

            CHECK(report.recognised == shape.recognised);
            CHECK(report.head == "j0001");
            CHECK(report.adopted_through == rows);
            CHECK(report.changed);
            REQUIRE(report.backup);
            CHECK(account_of(*report.backup) == before);
            const auto expected = expected_after(before, file, shape.origin == "gen3");
            CHECK(account_of(file, "legacy_status") == expected);
            CHECK(account_of(file, "status") == expected);
            Plain database(file);
            CHECK(database.rows("SELECT seq, status FROM pours ORDER BY seq") == raw);
            CHECK(database.one("SELECT count(*) FROM pours WHERE recorded_at IS NOT NULL") == "0");
            CHECK(database.one("PRAGMA journal_mode") == "wal");
            CHECK(
                database.one("SELECT adopted_through, epoch, acked_through FROM tapline_journal") ==
                fmt::format("{}|1|0", rows)
            );
            if (shape.origin == "gen3") {
                CHECK(
                    database.one("SELECT data FROM pours WHERE seq = 5") ==
                    fmt::format(R"({{"client_tx_id": "{}", "volume_ml": 105}})", id_of(5))
                );
            }
        }
    }
}

TEST_CASE("adopting twice changes nothing and says so") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen6", rows);
    const auto first = journal::adopt(file);
    const auto before = bytes_of(dir.path());

    const auto second = journal::adopt(file);

    CHECK_FALSE(second.changed);
    CHECK(second.recognised == "j0001");
    CHECK(second.adopted_through == first.adopted_through);
    CHECK_FALSE(second.backup);
    CHECK(bytes_of(dir.path()) == before);
}

TEST_CASE("no file, an empty one and one without pours become a journal at head") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    SECTION("no file") {}
    SECTION("0 bytes") {
        std::ofstream(file).close();
    }
    SECTION("no pours") {
        Plain(file).exec("CREATE TABLE notes (text TEXT)");
    }
    const auto report = journal::adopt(file);
    CHECK(report.recognised == "empty");
    CHECK(report.adopted_through == 0);
    Plain database(file);
    CHECK(database.insert(release("gen8").insert, id_of(1), 250) == SQLITE_OK);
    CHECK(
        database.one("SELECT seq, volume_ml, status, legacy_status FROM pours") == "1|250|new|NULL"
    );
    CHECK_FALSE(journal::adopt(file).changed);
}

TEST_CASE("a journal in a directory that doesn't exist is a usage error") {
    const TempDir dir;
    CHECK_THROWS_AS(journal::adopt(dir / "nowhere" / "local_journal.db"), Error);
    CHECK_FALSE(fs::exists(dir / "nowhere"));
}

TEST_CASE("rows with anything in them survive as they are") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 0);
    {
        Plain database(file);
        database.exec(
            "INSERT INTO pours (client_tx_id, volume_ml) VALUES (NULL, 'a pint'), (NULL, "
            "9223372036854775808), (NULL, NULL)"
        );
        database.exec(
            "INSERT INTO pours (client_tx_id, volume_ml, status) VALUES ('', -5, NULL), (x'00ff', "
            "x'0102', x'80'), ('nul' || char(0) || 'byte', 1e300, '')"
        );
        database.exec(
            "INSERT INTO pours (client_tx_id, card_uid, tap_id, price_cents) VALUES (CAST(x'c328' "
            "AS TEXT), CAST(x'ff' AS TEXT), 'one', 0.5)"
        );
        database.exec(
            "INSERT INTO pours (rowid, client_tx_id, volume_ml) VALUES (4000, 'after a gap', "
            "9223372036854775807)"
        );
    }
    constexpr auto everything =
        "SELECT quote(client_tx_id), typeof(client_tx_id), hex(client_tx_id), hex(card_uid), "
        "quote(tap_id), quote(volume_ml), "
        "typeof(volume_ml), quote(tail_volume_ml), quote(price_cents), quote(status), hex(status), "
        "quote(attempts) FROM pours ";
    const auto before = Plain(file).rows(std::string(everything) + "ORDER BY rowid");
    const auto rowids = Plain(file).rows("SELECT rowid FROM pours ORDER BY rowid");
    REQUIRE(before.size() == 8);

    const auto report = journal::adopt(file);

    Plain database(file);
    CHECK(database.rows(std::string(everything) + "ORDER BY seq") == before);
    CHECK(database.rows("SELECT seq FROM pours ORDER BY seq") == rowids);
    CHECK(report.adopted_through == 4000);
    CHECK(database.one("SELECT count(*) FROM pours WHERE legacy_status IS NULL") == "0");
}

TEST_CASE("rowids that can't be a seq are numbered anew in their order") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto* const origin = GENERATE("gen8", "gen3");
    make_journal(file, origin, 0);
    const std::string column = std::string_view(origin) == "gen3" ? "data" : "client_tx_id";
    {
        Plain database(file);
        for (const auto* rowid : {"-7", "3", "9223372036854775806"}) {
            database.exec(
                fmt::format("INSERT INTO pours (rowid, {0}) VALUES ({1}, 'row {1}')", column, rowid)
            );
        }
    }
    journal::adopt(file);
    CHECK(
        Plain(file).rows(fmt::format("SELECT seq, {} FROM pours ORDER BY seq", column)) ==
        std::vector<std::string>{"1|row -7", "2|row 3", "3|row 9223372036854775806"}
    );
}

TEST_CASE("each release's INSERT works on an adopted journal") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, FieldShape{"gen4", 0, 3, ""}, 3);
    {
        Plain dead_end(file);
        REQUIRE(dead_end.insert(release("gen8").insert, "lost", 1) != SQLITE_OK);
    }
    journal::adopt(file);
    Plain database(file);
    int number = 100;
    for (const auto& release : releases) {
        CAPTURE(release.name);
        ++number;
        const auto text = release.name == "gen3" ? std::string("{}") : id_of(number);
        CHECK(database.insert(release.insert, text, number) == SQLITE_OK);
        CHECK(
            database.one(fmt::format(
                "SELECT status, recorded_at LIKE '2%Z', legacy_status FROM pours WHERE seq = {}",
                number - 97
            )) == "new|1|NULL"
        );
    }
    CHECK(
        database.run(
            "UPDATE pours SET status = 'confirmed' WHERE client_tx_id = '" + id_of(101) + "'"
        ) == SQLITE_OK
    );
    CHECK(
        database.run(
            "UPDATE pours SET attempts = attempts + 1 WHERE client_tx_id = '" + id_of(101) + "'"
        ) == SQLITE_OK
    );
}

TEST_CASE("what a technician added stays and is reported") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen5", rows);
    {
        Plain database(file);
        database.exec(
            "CREATE TABLE Notes (text TEXT); INSERT INTO Notes VALUES ('keg changed');"
            "CREATE INDEX by_status ON pours (status, tap_id); CREATE VIEW unsent AS SELECT "
            "client_tx_id FROM pours WHERE status = 'new';"
            "CREATE TRIGGER note_pour AFTER INSERT ON pours BEGIN INSERT INTO Notes VALUES "
            "(NEW.client_tx_id); END;"
            "CREATE VIEW broken AS SELECT no_such FROM pours"
        );
    }
    const auto report = journal::adopt(file);
    std::vector<std::string> kept;
    for (const auto& extra : report.kept) {
        kept.push_back(fmt::format("{} {} {}", extra.type, extra.name, extra.works));
    }
    CHECK(
        kept ==
        std::vector<std::string>{
            "table Notes true",
            "index by_status true",
            "view unsent true",
            "trigger note_pour true",
            "view broken false"}
    );
    Plain database(file);
    CHECK(database.insert(release("gen8").insert, "fresh", 1) == SQLITE_OK);
    CHECK(
        database.rows("SELECT text FROM Notes") == std::vector<std::string>{"keg changed", "fresh"}
    );
    CHECK(
        database.one("SELECT count(*) FROM pours INDEXED BY by_status WHERE status = 'new'") != "0"
    );
    CHECK(
        database.one("SELECT sql FROM sqlite_schema WHERE name = 'broken'") ==
        "CREATE VIEW broken AS SELECT no_such FROM pours"
    );
}

TEST_CASE("an addition that would stop the tap's program at head is refused before anything changes"
) {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", rows);
    {
        Plain database(file);
        database.exec(
            "CREATE TRIGGER fix_card AFTER INSERT ON pours BEGIN UPDATE pours SET card_uid = "
            "lower(NEW.card_uid) WHERE rowid = NEW.rowid; END"
        );
    }
    const auto before = bytes_of(dir.path());
    CHECK_THROWS_AS(journal::adopt(file), journal::FileError);
    CHECK(bytes_of(dir.path()) == before);
}

TEST_CASE("gen2's own table events is not taken for a technician's") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen2", rows);
    CHECK(journal::adopt(file).kept.empty());
    CHECK(Plain(file).one("SELECT count(*) FROM events") == "0");
}

TEST_CASE("other people's foreign keys still mean pours, up and down, and the writer goes on") {
    const auto* origin = GENERATE("gen1", "gen4", "gen8");
    CAPTURE(origin);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, origin, 30);
    const std::string child =
        "CREATE TABLE child (x TEXT REFERENCES pours (client_tx_id) ON DELETE CASCADE, n INTEGER)";
    Plain(file).exec(child);
    const auto still_works = [&](std::string_view insert, int number) {
        CHECK(
            Plain(file).one("SELECT sql FROM sqlite_schema WHERE name = 'child'") ==
            child
        );
        Plain writer(file);
        writer.exec("PRAGMA foreign_keys=ON");
        REQUIRE(writer.insert(insert, id_of(number), 100) == SQLITE_OK);
        CHECK(
            writer.run(fmt::format("INSERT INTO child VALUES ('{}', 1)", id_of(number))) ==
            SQLITE_OK
        );
        CHECK(writer.run("INSERT INTO child VALUES ('nobody', 1)") != SQLITE_OK);
    };
    journal::adopt(file);
    still_works(release("gen8").insert, 5000);
    journal::migrate_file(file, revision::Direction::downgrade, "gen8", {});
    still_works(release("gen8").insert, 5001);
}

TEST_CASE("a file with two names is left alone: SQLite keeps a -wal for each") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    std::filesystem::create_hard_link(file, dir / "other.db");
    try {
        journal::adopt(file);
        FAIL("adopted");
    } catch (const Error& error) {
        CHECK(error.code() == "hard_linked");
        CHECK(exit_code(error.kind()) == 3);
    }
}
