// What others do to a journal while it is migrated in steps.
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/schema_run.hpp"
#include "agent/journal/step_tables.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;
using revision::Direction;

namespace {

constexpr int pours = 230;

journal::MigrateOptions in_steps() {
    journal::MigrateOptions options;
    options.steps->at_once = true;
    options.steps->max_rows = 50;
    options.steps->pause = std::chrono::milliseconds(0);
    return options;
}

/// `job` runs once, when the migration first gets to that stage.
journal::MigrateOptions in_steps_and_at(const std::string& stage, std::function<void()> job) {
    auto options = in_steps();
    options.progress = [stage, job = std::move(job), done = false](std::string_view at) mutable {
        if (at == stage && !done) {
            done = true;
            job();
        }
    };
    return options;
}

/// Not an error of ours: like a kill, nobody cleans up after it.
struct Cut {};

/// A journal whose adoption was cut when that many rows were copied.
void cut_adoption(const std::filesystem::path& file, const std::string& stage) {
    CHECK_THROWS_AS(journal::adopt(file, in_steps_and_at(stage, [] { throw Cut{}; })), Cut);
    REQUIRE(
        Plain(file).one("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tapline_step%'") != "0"
    );
}

void nothing_left_behind(const std::filesystem::path& file) {
    Plain database(file);
    CHECK(
        database.one("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tapline_step%'") == "0"
    );
    CHECK(database.one("PRAGMA integrity_check") == "ok");
    const auto report = journal::check(file);
    CHECK(report.problem.empty());
    CHECK_FALSE(report.unfinished);
}

std::string pour_of(const std::filesystem::path& file, int number, const std::string& columns) {
    return Plain(file).one(
        fmt::format("SELECT {} FROM pours WHERE client_tx_id = '{}'", columns, id_of(number))
    );
}

const std::vector<std::string> stages{
    "in steps: copy", "in steps: catch up", "in steps: compare", "in steps: swap"};

}  // namespace

TEST_CASE("triggers that a kill left never make a statement of the tap fail, whatever it says OR") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", pours);
    cut_adoption(file, "in steps: catch up");
    Plain tap(file);
    int time = 0;
    for (const auto* otherwise : {"", "OR ROLLBACK", "OR ABORT", "OR FAIL", "OR IGNORE"}) {
        CAPTURE(otherwise);
        CHECK(
            tap.run(fmt::format(
                "UPDATE {} pours SET attempts = {} WHERE client_tx_id = '{}'",
                otherwise,
                ++time,
                id_of(7)
            )) == 0
        );
        CHECK(
            tap.run(fmt::format(
                "INSERT {} INTO pours (client_tx_id, volume_ml) VALUES ('new-{}', 1)",
                otherwise,
                time
            )) == 0
        );
    }
    CHECK(journal::check(file).unfinished);
    CHECK(journal::adopt(file, in_steps()).changed);
    CHECK(pour_of(file, 7, "attempts") == "5");
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == std::to_string(pours + 5));
    nothing_left_behind(file);
}

TEST_CASE("a pour that the tap replaces meanwhile, which no trigger tells, is there once, as new") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", pours);
    const auto stage = GENERATE(from_range(stages));
    CAPTURE(stage);
    const auto report = journal::adopt(file, in_steps_and_at(stage, [&] {
                                           Plain(file).exec(fmt::format(
                                               "INSERT OR REPLACE INTO pours (client_tx_id, "
                                               "volume_ml) VALUES ('{}', 777), ('{}', 778)",
                                               id_of(3),
                                               id_of(pours)
                                           ));
                                       }));
    CHECK(report.steps > 0);
    CHECK(pour_of(file, 3, "volume_ml") == "777");
    CHECK(pour_of(file, pours, "volume_ml") == "778");
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == std::to_string(pours));
    nothing_left_behind(file);
}

TEST_CASE("pours deleted and put back by hand meanwhile are as the hand left them") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", pours);
    const auto stage = GENERATE(from_range(stages));
    CAPTURE(stage);
    const auto report =
        journal::adopt(file, in_steps_and_at(stage, [&] {
                           Plain hand(file);
                           hand.exec(fmt::format(
                               "DELETE FROM pours WHERE client_tx_id IN ('{}', '{}')",
                               id_of(3),
                               id_of(pours)
                           ));
                           // Gets the rowid of the one that was last.
                           hand.exec(
                               "INSERT INTO pours (client_tx_id, volume_ml) VALUES ('again', 5)"
                           );
                           hand.exec(fmt::format(
                               "UPDATE pours SET volume_ml = 9, client_tx_id = 'other' WHERE "
                               "client_tx_id = '{}'",
                               id_of(5)
                           ));
                       }));
    CHECK(report.steps > 0);
    Plain database(file);
    CHECK(database.one("SELECT count(*) FROM pours") == std::to_string(pours - 1));
    CHECK(database.one("SELECT volume_ml FROM pours WHERE client_tx_id = 'again'") == "5");
    CHECK(database.one("SELECT seq, volume_ml FROM pours WHERE client_tx_id = 'other'") == "5|9");
    CHECK(pour_of(file, 3, "count(*)") == "0");
    CHECK(pour_of(file, 5, "count(*)") == "0");
    nothing_left_behind(file);
}

TEST_CASE("a schema that somebody changes meanwhile is the one that is migrated") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen7", pours);
    const std::string stage = GENERATE("in steps: copy", "in steps: swap");
    CAPTURE(stage);
    // What the tap's next release does when it is started.
    const auto report =
        journal::adopt(file, in_steps_and_at(stage, [&] {
                           Plain hand(file);
                           hand.exec(
                               "ALTER TABLE pours ADD COLUMN tail_volume_ml INTEGER DEFAULT 0; "
                               "CREATE INDEX pours_by_card ON pours (card_uid)"
                           );
                           hand.exec(fmt::format(
                               "UPDATE pours SET tail_volume_ml = 33 WHERE client_tx_id = '{}'",
                               id_of(2)
                           ));
                       }));
    CHECK(report.recognised == "gen8");
    CHECK(report.steps > 0);
    REQUIRE(report.kept.size() == 1);
    CHECK(report.kept.front().name == "pours_by_card");
    CHECK(pour_of(file, 2, "tail_volume_ml") == "33");
    nothing_left_behind(file);
}

TEST_CASE("a table made anew after a kill isn't taken for the one that was copied") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", pours);
    cut_adoption(file, "in steps: catch up");
    {
        Plain hand(file);
        const auto create = hand.one("SELECT sql FROM sqlite_schema WHERE name = 'pours'");
        hand.exec("PRAGMA legacy_alter_table=ON; ALTER TABLE pours RENAME TO mine");
        hand.exec(create);
        hand.exec("INSERT INTO pours SELECT * FROM mine; DROP TABLE mine");
        hand.exec(
            fmt::format("UPDATE pours SET card_uid = 'zz' WHERE client_tx_id = '{}'", id_of(5))
        );
    }
    CHECK(journal::adopt(file, in_steps()).steps > 0);
    CHECK(pour_of(file, 5, "card_uid") == "zz");
    nothing_left_behind(file);
}

TEST_CASE("what is poured after the newest pours were deleted never passes for one of these") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", pours);
    journal::adopt(file);
    RowHash settled{};
    {
        const auto opened = journal::Journal::open(file);
        const auto batch = opened->next_batch(0, settled, {});
        settled = batch->hash;
        journal::AckRecord ack;
        ack.first_seq = 1;
        ack.acked_through = batch->last_seq;
        ack.hash = settled;
        opened->record_ack(ack);
        REQUIRE(ack.acked_through == pours);
    }
    journal::migrate_file(file, Direction::downgrade, "gen8");
    const auto delete_newest = [&] {
        Plain(file).exec(fmt::format("DELETE FROM pours WHERE rowid > {}", pours - 10));
    };
    const auto pour_more = [&] {
        for (int number = 1; number <= 12; ++number) {
            CHECK(
                Plain(file).insert(release("gen8").insert, fmt::format("late-{}", number), 5) == 0
            );
        }
    };
    const std::string when = GENERATE("before", "meanwhile");
    CAPTURE(when);
    if (when == "before") {
        delete_newest();
    }
    journal::adopt(file, in_steps_and_at("in steps: compare", [&] {
                       delete_newest();
                       pour_more();
                   }));
    if (when == "before") {
        pour_more();
    }
    const auto opened = journal::Journal::open(file);
    const auto first =
        std::stoll(Plain(file).one("SELECT min(seq) FROM pours WHERE volume_ml = 5"));
    const auto cursor = opened->identity().acked_through;
    INFO("first new seq " << first << ", cursor " << cursor);
    const bool chains_differ = opened->hash_at(pours) != std::optional(settled);
    CHECK((first > pours || chains_differ));
    CHECK(first > cursor);
    nothing_left_behind(file);
}

namespace {

/// Everything that others may have hung on `pours`, and what of it names the table.
void add_foreign_objects(const std::filesystem::path& file) {
    Plain(file).exec(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, pour TEXT REFERENCES pours "
        "(client_tx_id) ON DELETE CASCADE, text TEXT);"
        "CREATE TRIGGER note_pour AFTER INSERT ON pours BEGIN INSERT INTO notes (pour, text) "
        "VALUES "
        "(NEW.client_tx_id, 'poured'); END;"
        "CREATE TRIGGER note_status AFTER UPDATE ON pours BEGIN INSERT INTO notes (pour, text) "
        "VALUES (NEW.client_tx_id, NEW.status); END;"
        "CREATE TRIGGER note_gone AFTER DELETE ON pours BEGIN INSERT INTO notes (pour, text) "
        "VALUES "
        "(OLD.client_tx_id, 'gone'); END;"
        "CREATE TRIGGER read_pours AFTER INSERT ON notes WHEN NEW.text = 'count' BEGIN UPDATE "
        "notes "
        "SET text = (SELECT count(*) FROM pours) WHERE id = NEW.id; END;"
        "CREATE VIEW today AS SELECT client_tx_id, volume_ml FROM pours;"
        "CREATE VIEW of_view AS SELECT sum(volume_ml) AS ml FROM today;"
        "CREATE INDEX pours_by_card ON pours (card_uid, tap_id) WHERE volume_ml > 0;"
        "INSERT INTO notes (pour, text) SELECT client_tx_id, 'count' FROM pours LIMIT 1"
    );
}

std::set<std::string> schema_of(const std::filesystem::path& file) {
    const auto rows = Plain(file).rows(
        "SELECT type, name, tbl_name, replace(coalesce(sql, ''), '\"', '') FROM sqlite_schema"
    );
    return {rows.begin(), rows.end()};
}

}  // namespace

TEST_CASE("what others hung on pours is in steps what it is in one transaction") {
    const auto shape = GENERATE(std::string("gen2"), std::string("gen3"), std::string("gen8"));
    CAPTURE(shape);
    const TempDir dir;
    for (const auto* name : {"whole.db", "steps.db"}) {
        make_journal(dir / name, shape, pours);
        if (shape == "gen8") {
            add_foreign_objects(dir / name);
        } else {
            // AUTOINCREMENT has seen more than there is.
            Plain(dir / name).exec(fmt::format("DELETE FROM pours WHERE rowid > {}", pours - 5));
        }
    }
    journal::adopt(dir / "whole.db");
    CHECK(journal::adopt(dir / "steps.db", in_steps()).steps > 0);
    CHECK(schema_of(dir / "steps.db") == schema_of(dir / "whole.db"));
    for (const auto* query :
         {"SELECT name, seq FROM sqlite_sequence ORDER BY name",
          "SELECT seq, client_tx_id, volume_ml, status FROM pours ORDER BY seq",
          "PRAGMA foreign_key_check"}) {
        CAPTURE(query);
        CHECK(Plain(dir / "steps.db").rows(query) == Plain(dir / "whole.db").rows(query));
    }
    if (shape == "gen8") {
        Plain tap(dir / "steps.db");
        CHECK(tap.one("SELECT count(*) FROM notes") == "1");
        CHECK(tap.insert(release("gen8").insert, "after", 40) == 0);
        CHECK(tap.one("SELECT text FROM notes WHERE pour = 'after'") == "poured");
        CHECK(tap.one("SELECT ml > 0 FROM of_view") == "1");
    }
    nothing_left_behind(dir / "steps.db");
}

TEST_CASE("an agent that knows of no steps takes over: it migrates, and the next one tidies up") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", pours);
    cut_adoption(file, "in steps: catch up");
    {
        journal::Database database(file);
        const journal::MigrateOptions options;
        const journal::Run run{database, options, journal::journal_lineage()};
        journal::Transaction transaction(database);
        const auto work = journal::work_up(run, "j0001");
        CHECK(journal::run_plan(run, work) == "j0001");
        journal::ensure_identity_after(run, work);
        transaction.commit();
    }
    CHECK(Plain(file).insert(release("gen8").insert, "between", 40) == 0);
    CHECK(
        Plain(file).run("UPDATE OR FAIL pours SET status = 'confirmed' WHERE volume_ml = 40") == 0
    );
    CHECK_FALSE(journal::adopt(file).changed);
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == std::to_string(pours + 1));
    nothing_left_behind(file);
}
