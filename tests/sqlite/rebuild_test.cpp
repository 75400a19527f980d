// A table gets another definition, and everything that hangs on it stays.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/run_section.hpp"
#include "common/error.hpp"
#include "common/revision/digest.hpp"
#include "common/revision/file.hpp"

using namespace tapline;
using journal::Database;

namespace {

constexpr const char* schema =
    "CREATE TABLE kegs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, ml INTEGER, note TEXT, "
    "up TEXT AS (upper(name)), parent INTEGER REFERENCES kegs (id));"
    "CREATE TABLE taps (id INTEGER PRIMARY KEY, keg INTEGER REFERENCES kegs (id));"
    "CREATE TABLE seen (what TEXT);"
    "CREATE UNIQUE INDEX by_name ON kegs (lower(name)) WHERE ml > 0;"
    "CREATE TRIGGER tell AFTER UPDATE ON kegs BEGIN INSERT INTO seen VALUES (NEW.name); END;"
    "CREATE TRIGGER far AFTER INSERT ON taps BEGIN UPDATE kegs SET ml = 0 WHERE id = NEW.keg; END;"
    "CREATE VIEW big AS SELECT name FROM kegs WHERE ml > 100;"
    "INSERT INTO kegs (id, name, ml, note, parent) VALUES (3, 'a', 500, 'x', NULL), (7, 'b', 50, "
    "'y', 3), (90, 'gone', 1, '', NULL);"
    "DELETE FROM kegs WHERE id = 90;"
    "INSERT INTO taps VALUES (1, 7);"
    "UPDATE kegs SET ml = 500 WHERE id = 3; UPDATE kegs SET ml = 50 WHERE id = 7;"
    "DELETE FROM seen;";

Database made(std::string_view sql = schema) {
    auto database = Database::scratch();
    database.exec(sql);
    return database;
}

revision::Section section(std::string_view sql, revision::Dialect dialect) {
    const auto text = fmt::format(
        "-- Revision ID: abcd\n-- Revises:\n-- Irreversible: x\n\n-- tapline: upgrade\n{}\n", sql
    );
    return revision::parse({"abcd.sql", text}, dialect).upgrade;
}

void run(Database& database, std::string_view sql) {
    journal::Transaction transaction(database);
    journal::run_statements(database, section(sql, revision::Dialect::sqlite));
    transaction.commit();
}

std::string code_of(const std::function<void()>& what) {
    try {
        what();
    } catch (const Error& error) {
        return error.code();
    }
    return "";
}

std::string dump(Database& database) {
    return database.text(
        "SELECT group_concat(type || ' ' || name || ' ' || tbl_name || ' ' || COALESCE(sql, ''), "
        "char(10)) FROM (SELECT * FROM sqlite_schema ORDER BY name)"
    );
}

constexpr const char* new_kegs =
    "CREATE TABLE \"Kegs\" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL CHECK (name "
    "<> "
    "''), ml INTEGER NOT NULL DEFAULT 0, up TEXT AS (upper(name)), parent INTEGER REFERENCES kegs "
    "(id), litres REAL) STRICT;";

}  // namespace

TEST_CASE("A rebuilt table keeps rows, indexes, triggers, views and the highest id it ever gave") {
    auto database = made();
    run(database, fmt::format("-- tapline: rebuild table=kegs drop=\"note\"\n{}", new_kegs));
    CHECK(
        database.text("SELECT group_concat(id || name || ml || COALESCE(parent, '-')) FROM kegs "
                      "ORDER BY id") == "3a500-,7b503"
    );
    CHECK(database.text("SELECT name FROM big") == "a");
    CHECK(database.integer("SELECT strict FROM pragma_table_list WHERE name = 'kegs'") == 1);
    database.exec("INSERT INTO kegs (name) VALUES ('c')");
    CHECK(database.integer("SELECT max(id) FROM kegs") == 91);
    CHECK(code_of([&] { database.exec("INSERT INTO kegs (name, ml) VALUES ('A', 5)"); }) != "");
    database.exec("UPDATE kegs SET ml = 9 WHERE id = 3");
    CHECK(database.text("SELECT what FROM seen") == "a");
    database.exec("INSERT INTO taps VALUES (2, 3)");
    CHECK(database.integer("SELECT ml FROM kegs WHERE id = 3") == 0);
    CHECK(
        database.integer("SELECT count(*) FROM pragma_foreign_key_list('taps') WHERE \"table\" = "
                         "'kegs'") == 1
    );
    CHECK(
        database.integer("SELECT count(*) FROM pragma_foreign_key_list('kegs') WHERE \"table\" = "
                         "'kegs'") == 1
    );
    CHECK(database.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("An empty table that counted up goes on counting after a rebuild") {
    auto database = made(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);"
        "INSERT INTO t (id) VALUES (41); DELETE FROM t;"
    );
    run(database,
        "-- tapline: rebuild table=t\nCREATE TABLE t (id INTEGER PRIMARY KEY "
        "AUTOINCREMENT, a TEXT DEFAULT 'x');");
    database.exec("INSERT INTO t DEFAULT VALUES");
    CHECK(database.text("SELECT id || a FROM t") == "42x");
}

TEST_CASE("Rows without a key of their own keep their rowids") {
    auto database = made(
        "CREATE TABLE t (a TEXT); INSERT INTO t (rowid, a) VALUES (5, 'x'), (-3, "
        "'y'), (900, 'z');"
    );
    run(database, "-- tapline: rebuild table=t\nCREATE TABLE t (a TEXT, b INT);");
    CHECK(database.text("SELECT group_concat(rowid || a) FROM t ORDER BY rowid") == "-3y,5x,900z");
    run(database,
        "-- tapline: rebuild table=t\nCREATE TABLE t (a TEXT PRIMARY KEY, b INT) WITHOUT "
        "ROWID;");
    run(database, "-- tapline: rebuild table=t\nCREATE TABLE t (a TEXT, b INT);");
    CHECK(database.integer("SELECT count(*) FROM t") == 3);
}

TEST_CASE("A rebuild that would lose something is refused and changes nothing") {
    struct Case {
        const char* sql;
        const char* code;
    };

    const Case cases[] = {
        {"-- tapline: rebuild table=kegs\nCREATE TABLE kegs (id INTEGER PRIMARY KEY, name TEXT, ml "
         "INT, parent INT);",
         "column_lost"},
        {"-- tapline: rebuild table=kegs drop=\"note,name\"\nCREATE TABLE kegs (id INTEGER PRIMARY "
         "KEY, ml INT, parent INT);",
         "part_broken"},  // the index reads name
        {"DROP INDEX by_name;\n-- tapline: rebuild table=kegs drop=\"note,name\"\nCREATE TABLE "
         "kegs "
         "(id INTEGER PRIMARY KEY, ml INT, parent INT);",
         "part_broken"},  // the trigger
        {"DROP INDEX by_name; DROP TRIGGER tell;\n-- tapline: rebuild table=kegs "
         "drop=\"note,name\"\nCREATE TABLE kegs (id INTEGER PRIMARY KEY, ml INT, parent INT);",
         "part_broken"},  // the view
        {"-- tapline: rebuild table=kegs drop=\"note,ml\"\nCREATE TABLE kegs (id INTEGER PRIMARY "
         "KEY, name TEXT, ml INT, parent INT);",
         "rebuild_table"},
        {"-- tapline: rebuild table=none\nCREATE TABLE none (a INT);", "rebuild_table"},
        {"-- tapline: rebuild table=kegs drop=\"note\"\nCREATE TABLE kegs (id INTEGER PRIMARY KEY, "
         "name TEXT, ml INT UNIQUE ON CONFLICT REPLACE, parent INT CHECK (parent IS NULL));",
         "constraint"},
        {"INSERT INTO kegs (name, ml) VALUES ('c', 1);\nUPDATE kegs SET ml = 50;\n-- tapline: "
         "rebuild table=kegs drop=\"note\"\nCREATE TABLE kegs (id INTEGER PRIMARY KEY, name TEXT, "
         "ml "
         "INT UNIQUE ON CONFLICT REPLACE, parent INT);",
         "rows_lost"},
        {"-- tapline: rebuild table=kegs drop=\"note\"\nCREATE TABLE kegs (id INTEGER PRIMARY KEY, "
         "name TEXT, ml INT, parent INT REFERENCES seen (what));",
         "fk"},
    };
    for (const Case& each : cases) {
        auto database = made();
        const std::string before = dump(database);
        CAPTURE(each.sql);
        const std::string code = code_of([&] { run(database, each.sql); });
        CHECK(code != "");
        if (std::string(each.code) != "constraint" && std::string(each.code) != "fk") {
            CHECK(code == each.code);
        }
        CHECK(dump(database) == before);
        CHECK(database.integer("SELECT count(*) FROM kegs") == 2);
        CHECK(database.integer("PRAGMA legacy_alter_table") == 0);
    }
}

TEST_CASE("A rebuild stands before the CREATE TABLE of its table, in SQLite only") {
    const auto code = [](std::string_view sql, revision::Dialect dialect = revision::Dialect::sqlite
                      ) { return code_of([&] { (void)section(sql, dialect); }); };
    CHECK(code("-- tapline: rebuild table=t drop=\"a, b\"\nCREATE TABLE t (c INT);").empty());
    CHECK(code("-- tapline: rebuild table=t\nCREATE TABLE /* so */ [T](c INT);").empty());
    for (const char* bad :
         {"-- tapline: rebuild\nCREATE TABLE t (c INT);",
          "-- tapline: rebuild table=t x=1\nCREATE TABLE t (c INT);",
          "-- tapline: rebuild table=t\nCREATE TABLE u (c INT);",
          "-- tapline: rebuild table=t\nCREATE TEMP TABLE t (c INT);",
          "-- tapline: rebuild table=t\nCREATE TABLE IF NOT EXISTS t (c INT);",
          "-- tapline: rebuild table=t\nCREATE TABLE main.t (c INT);",
          "-- tapline: rebuild table=t\nCREATE TABLE t AS SELECT 1;",
          "-- tapline: rebuild table=t drop=\"a,,b\"\nCREATE TABLE t (c INT);",
          "-- tapline: rebuild table=t\nDROP TABLE t;",
          "-- tapline: rebuild table=t"}) {
        CAPTURE(bad);
        CHECK(code(bad) == "revision_syntax");
    }
    CHECK(
        code("-- tapline: rebuild table=t\nCREATE TABLE t (c INT);", revision::Dialect::postgres) ==
        "revision_syntax"
    );
}

TEST_CASE("What a rebuild drops counts in the digest") {
    const auto digest = [](std::string_view drop) {
        const auto text = fmt::format(
            "-- Revision ID: abcd\n-- Revises:\n-- Irreversible: x\n\n-- tapline: "
            "upgrade\n{}CREATE "
            "TABLE t (c INT);\n",
            drop
        );
        return revision::digest(revision::parse({"abcd.sql", text}, revision::Dialect::sqlite));
    };
    const std::string plain = digest("");
    CHECK(digest("-- tapline: rebuild table=t\n") != plain);
    CHECK(
        digest("-- tapline: rebuild table=t drop=\"a\"\n") !=
        digest("-- tapline: rebuild table=t\n")
    );
    CHECK(
        digest("-- tapline: rebuild table=t drop=\"a,b\"\n") ==
        digest("-- tapline: rebuild drop=\"b, a\" table=t\n")
    );
}
