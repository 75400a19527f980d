#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;

TEST_CASE("no statement of another program changes, replaces or removes a pour") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    journal::adopt(file);
    Plain database(file);
    for (int number = 21; number <= 25; ++number) {
        database.insert(release("gen8").insert, id_of(number), number);
    }
    const auto everything = [&] {
        return database.rows(
            "SELECT seq, client_tx_id, volume_ml, price_cents, data, recorded_at, legacy_status "
            "FROM pours ORDER BY seq"
        );
    };
    const auto before = everything();
    const auto first = id_of(1);
    for (const auto& sql : std::vector<std::string>{
             "UPDATE pours SET volume_ml = volume_ml + 1 WHERE seq = 3",
             "UPDATE pours SET seq = 99 WHERE seq = 3",
             "UPDATE pours SET rowid = 99 WHERE seq = 3",
             "UPDATE pours SET _rowid_ = _rowid_ + 100",
             "UPDATE pours SET recorded_at = NULL",
             "UPDATE pours SET legacy_status = 'new' WHERE seq = 2",
             "UPDATE pours SET data = 'x'",
             "UPDATE pours SET client_tx_id = 'x' WHERE seq = 1",
             "UPDATE OR REPLACE pours SET client_tx_id = '" + first + "' WHERE seq = 5",
             "DELETE FROM pours",
             "DELETE FROM pours WHERE seq = 1",
             "DELETE FROM pours WHERE seq = 25",
             "INSERT OR REPLACE INTO pours (seq, volume_ml) VALUES (4, 1)",
             "REPLACE INTO pours (client_tx_id, volume_ml) VALUES ('" + first + "', 1)",
             "INSERT INTO pours (seq, volume_ml) VALUES (9000, 1)",
             "INSERT INTO pours (rowid, volume_ml) VALUES (-1000, 1)",
             "INSERT INTO pours (client_tx_id, volume_ml) VALUES ('" + first + "', 1)",
             "INSERT INTO pours (client_tx_id) VALUES ('" + first +
                 "') ON CONFLICT (client_tx_id) DO UPDATE SET volume_ml = 1"}) {
        CAPTURE(sql);
        CHECK((database.run(sql) & 0xFF) == SQLITE_CONSTRAINT);
        CHECK(everything() == before);
    }
    database.exec("PRAGMA recursive_triggers=ON");
    CHECK(
        database.run("REPLACE INTO pours (client_tx_id, volume_ml) VALUES ('" + first + "', 1)") !=
        SQLITE_OK
    );
    CHECK(everything() == before);
}

TEST_CASE("what central has in a verified backup may be pruned, but never the highest seq") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    journal::adopt(file);
    Plain database(file);
    database.exec("UPDATE tapline_journal SET prunable_through = 20");
    CHECK(database.run("DELETE FROM pours WHERE seq <= 19") == SQLITE_OK);
    CHECK(database.run("DELETE FROM pours WHERE seq = 20") != SQLITE_OK);
    CHECK(database.insert(release("gen8").insert, id_of(99), 5) == SQLITE_OK);
    CHECK(database.one("SELECT max(seq) FROM pours") == "21");
}
