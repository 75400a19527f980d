#include "agent/journal/schema_diff.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/create_parts.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;

namespace {

constexpr const char* rich =
    "CREATE TABLE pours (id INTEGER PRIMARY KEY AUTOINCREMENT, tap TEXT NOT NULL DEFAULT 'a' CHECK "
    "(tap IN ('a', 'b')), card TEXT COLLATE NOCASE, ml INTEGER, cents INTEGER GENERATED ALWAYS AS "
    "(ml * 2) STORED, half INTEGER AS (ml / 2), keg INTEGER REFERENCES kegs (id) ON DELETE "
    "CASCADE, "
    "CONSTRAINT positive CHECK (ml >= 0), UNIQUE (tap, card));"
    "CREATE TABLE kegs (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE);"
    "CREATE TABLE pairs (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;"
    "CREATE TABLE typed (a INTEGER, b ANY) STRICT;"
    "CREATE INDEX by_tap ON pours (tap, ml DESC) WHERE ml > 0;"
    "CREATE UNIQUE INDEX by_expression ON pours (lower(card), card COLLATE RTRIM);"
    "CREATE VIEW big AS SELECT id FROM pours WHERE ml > 500;"
    "CREATE TRIGGER note AFTER INSERT ON pours WHEN NEW.ml > 1 BEGIN SELECT 1; END;";

struct OneChange {
    const char* from;  ///< a part of the rich schema
    const char* to;
    const char* finding;  ///< "object kind"
};

std::string with(const std::string& from, const std::string& to) {
    std::string sql = rich;
    const std::size_t at = sql.find(from);
    REQUIRE(at != std::string::npos);
    return sql.replace(at, from.size(), to);
}

std::vector<std::string> diff(const std::string& expected, const std::string& live) {
    auto one = journal::Database::scratch();
    one.exec(expected);
    auto two = journal::Database::scratch();
    two.exec(live);
    std::vector<std::string> found;
    for (const auto& difference :
         journal::compare_schemas(journal::read_schema(one), journal::read_schema(two))) {
        found.push_back(difference.object + " " + difference.kind);
    }
    return found;
}

}  // namespace

TEST_CASE("JournalDiff.EachChangeIsOneFinding") {
    const OneChange changes[] = {
        {"ml INTEGER,", "ml REAL,", "table pours column ml changed"},
        {"ml INTEGER,", "ml INTEGER NOT NULL,", "table pours column ml changed"},
        {"ml INTEGER,", "ml INTEGER DEFAULT 0,", "table pours column ml changed"},
        {"ml INTEGER,", "ml INTEGER, extra TEXT,", "table pours column extra added"},
        {"DEFAULT 'a'", "DEFAULT 'A'", "table pours column tap changed"},
        {"TEXT COLLATE NOCASE", "TEXT", "table pours column card changed"},
        {"AS (ml * 2) STORED", "AS (ml * 3) STORED", "table pours column cents changed"},
        {"AS (ml * 2) STORED", "AS (ml * 2) VIRTUAL", "table pours column cents changed"},
        {"half INTEGER AS (ml / 2)", "half INTEGER", "table pours column half changed"},
        {"PRIMARY KEY AUTOINCREMENT", "PRIMARY KEY", "table pours changed"},
        {"(ml >= 0)", "(ml >= 1)", "table pours constraint positive changed"},
        {" CONSTRAINT positive CHECK (ml >= 0),", "", "table pours constraint positive removed"},
        {", UNIQUE (tap, card)", "", "table pours constraint unique (tap, card) removed"},
        {"ON DELETE CASCADE",
         "ON DELETE SET NULL",
         "table pours constraint foreign key (keg) references kegs (id) changed"},
        {"ON DELETE CASCADE",
         "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
         "table pours constraint foreign key (keg) references kegs (id) changed"},
        {" ON CONFLICT REPLACE", "", "table kegs constraint on conflict replace in name removed"},
        {" WITHOUT ROWID", "", "table pairs changed"},
        {" STRICT", "", "table typed changed"},
        {"CREATE TABLE typed (a INTEGER, b ANY) STRICT;", "", "table typed removed"},
        {"CREATE TABLE typed",
         "CREATE TABLE more (a INTEGER PRIMARY KEY, b TEXT UNIQUE CHECK (b > 'a')); CREATE INDEX i "
         "ON "
         "more (b); CREATE TABLE typed",
         "table more added"},
        {"ml DESC)", "ml)", "index by_tap changed"},
        {"WHERE ml > 0;", "WHERE ml > 1;", "index by_tap changed"},
        {"WHERE ml > 0;", ";", "index by_tap changed"},
        {"lower(card)", "upper(card)", "index by_expression changed"},
        {"COLLATE RTRIM", "COLLATE NOCASE", "index by_expression changed"},
        {"CREATE UNIQUE INDEX", "CREATE INDEX", "index by_expression changed"},
        {"CREATE VIEW big AS SELECT id FROM pours WHERE ml > 500;", "", "view big removed"},
        {"ml > 500", "ml > 501", "view big changed"},
        {"NEW.ml > 1", "NEW.ml > 2", "trigger note on pours changed"},
        {"CREATE TRIGGER note AFTER",
         "CREATE TRIGGER note BEFORE",
         "trigger note on pours changed"},
    };
    for (const OneChange& one : changes) {
        INFO(one.from << " -> " << one.to);
        CHECK(diff(rich, with(one.from, one.to)) == std::vector<std::string>{one.finding});
    }
    CHECK(diff(rich, with("UNIQUE (tap, card)", "UNIQUE (tap, card COLLATE RTRIM)")).size() == 2);
    const auto keys = diff(rich, with("PRIMARY KEY (a, b)", "PRIMARY KEY (b, a)"));
    CHECK(keys.size() == 4);  // two columns, and the key under two names
}

TEST_CASE("JournalDiff.SpellingOrderAndDataAreNoDrift") {
    CHECK(diff(rich, rich).empty());
    CHECK(diff(rich, std::string(rich) + "INSERT INTO kegs (name) VALUES ('x'); ANALYZE;").empty());
    CHECK(diff(rich, with("ml INTEGER, cents", "\"ML\"  integer /* millilitres */, cents")).empty()
    );
    CHECK(diff(rich, with("('a', 'b')", "('b','a')")).empty());
    CHECK(diff(rich, with("a INTEGER, b ANY", "b ANY, a INTEGER")).empty());
    CHECK(
        diff(
            rich,
            with("CREATE INDEX by_tap ON pours", "create index IF NOT EXISTS [by_tap] on \"pours\"")
        )
            .empty()
    );
    // A column that ALTER appended says what one in the middle says.
    CHECK(diff(
              "CREATE TABLE t (a INTEGER, b TEXT COLLATE NOCASE)",
              "CREATE TABLE t (b TEXT COLLATE NOCASE); ALTER TABLE t ADD COLUMN a INTEGER"
    )
              .empty());
}

TEST_CASE("JournalDiff.ReadsFilesWithoutTouchingThem") {
    const TempDir dir;
    {
        Plain expected(dir / "expected.db");
        expected.exec(rich);
        Plain live(dir / "live.db");
        live.exec("PRAGMA journal_mode = wal");
        live.exec(with("(ml >= 0)", "(ml >= 5)"));
        const auto before = bytes_of(dir.path());
        const auto differences = journal::diff_files(dir / "expected.db", dir / "live.db");
        REQUIRE(differences.size() == 1);
        CHECK(differences[0].object == "table pours constraint positive");
        CHECK(differences[0].expected == "check (ml >= 0)");
        CHECK(differences[0].found == "check (ml >= 5)");
        CHECK(bytes_of(dir.path()) == before);
    }
    CHECK_THROWS_AS(journal::diff_files(dir / "expected.db", dir / "none.db"), Error);
}

TEST_CASE("JournalDiff.OddCreateTextsDontCrash") {
    for (const char* sql :
         {"",
          "CREATE TABLE",
          "CREATE TABLE t",
          "CREATE TABLE t (",
          "CREATE TABLE t ()",
          "CREATE TABLE t (,)",
          "CREATE TABLE t (a CHECK (",
          "CREATE TABLE t (a CHECK",
          "CREATE TABLE t (a COLLATE",
          "CREATE TABLE t (CONSTRAINT",
          "CREATE TABLE t (FOREIGN KEY ()",
          "CREATE TABLE t (FOREIGN KEY (",
          "CREATE TABLE t (a ON CONFLICT"}) {
        INFO(sql);
        (void)journal::parts_of_create(sql);
    }
    const auto parts = journal::parts_of_create(
        "CREATE TABLE \"t(\" (\"check\" TEXT, b AS (a || ',)') , CONSTRAINT \"C x\" CHECK ((b) > "
        "')'))"
    );
    CHECK(parts.constraints.size() == 1);
    CHECK(parts.constraints.begin()->first == "c x");
    CHECK(parts.columns.at("b").starts_with("as ("));
}
