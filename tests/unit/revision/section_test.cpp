#include <chrono>
#include <string>

#include <catch2/catch.hpp>

#include "common/revision/file.hpp"
#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;
using namespace std::chrono_literals;

namespace {

Section upgrade(std::string_view sql, Dialect dialect = Dialect::postgres) {
    return parse(sample::file(sql), dialect).upgrade;
}

std::string code(std::string_view sql, Dialect dialect = Dialect::postgres) {
    return sample::code_of([&] { return upgrade(sql, dialect); });
}

std::string options(std::string_view text) {
    const auto file = [&] {
        return parse(
            {"abcd.sql",
             fmt::format(
                 "-- Revision ID: abcd\n-- Revises:\n-- Irreversible: x\n-- tapline: upgrade {}\n",
                 text
             )},
            Dialect::postgres
        );
    };
    return sample::code_of(file);
}

std::string batch(std::string_view arguments, std::string_view statement) {
    return code(fmt::format("-- tapline: batch {}\n{}", arguments, statement));
}

}  // namespace

TEST_CASE("A section knows its statements, their lines and its options") {
    const Section section = sample::postgres().upgrade;
    CHECK_FALSE(section.transaction);
    CHECK(section.lock_timeout == 500ms);
    CHECK(section.statement_timeout == 300s);
    REQUIRE(section.statements.size() == 4);
    CHECK(section.line == 13);
    CHECK(section.statements[0].line == 15);
    CHECK(section.statements[1].line == 20);
    CHECK(
        section.statements[2].text ==
        R"(UPDATE guests SET note = E'it\'s; ok' WHERE note = 'it''s')"
    );
    REQUIRE(section.allowances.size() == 1);
    CHECK(section.allowances[0].hazard == "whole_table_write");
    CHECK(section.allowances[0].reason == "the table has nine rows");
    const Section downgrade = sample::postgres().downgrade;
    CHECK(downgrade.transaction);
    CHECK_FALSE(downgrade.lock_timeout);
    CHECK(downgrade.statements.size() == 2);
    CHECK(sample::sqlite().upgrade.statements.size() == 2);
}

TEST_CASE("A batch step is read whole") {
    const Section section = sample::postgres().upgrade;
    REQUIRE(section.batches.size() == 1);
    const BatchStep& step = section.batches[0];
    CHECK(step.table == "public.pours");
    CHECK(step.key == "pour_id");
    CHECK(step.rows == 5000);
    CHECK(step.pause == 50ms);
    CHECK(step.until == R"(note IS NULL AND "Odd" = 1)");
    CHECK(step.statement == 3);
}

TEST_CASE("A batch step that can't be run right is refused") {
    const std::string_view good = "table=t key=k rows=10 until=\"x IS NULL\"";
    const std::string_view update = "UPDATE t SET x = 1 WHERE k = ANY(:keys);";
    CHECK(batch(good, update) == "no error");
    CHECK(batch("table=t key=k rows=10 until=done", update) == "no error");
    CHECK(batch(good, "INSERT INTO u SELECT k FROM t WHERE k = ANY(:keys);") == "no error");
    for (const char* bad :
         {"key=k rows=10 until=x",
          "table=t rows=10 until=x",
          "table=t key=k until=x",
          "table=t key=k rows=10",
          "table=t key=k rows=0 until=x",
          "table=t key=k rows=100001 until=x",
          "table=t key=k rows=1x until=x",
          "table=t key=k rows=10 until=x pause=50",
          "table=t key=k rows=10 until=x pause=25h",
          "table=t key=k rows=10 until=x rows=10",
          "table=t key=k rows=10 until=\"x",
          "table=t key=k rows=10 until=\"\"",
          "table=t key=k,l rows=10 until=x",
          "table=a.b.c key=k rows=10 until=x",
          "table=t;drop key=k rows=10 until=x",
          "table=t key=k rows=10 until=x colour=blue",
          "table = t key=k rows=10 until=x"}) {
        INFO(bad);
        CHECK(batch(bad, update) == "revision_syntax");
    }
    CHECK(batch(good, "") == "revision_syntax");
    CHECK(batch(good, "UPDATE t SET x = ':keys';") == "revision_syntax");
    CHECK(batch(good, "SELECT :keys;") == "revision_syntax");
    CHECK(batch(good, "UPDATE t SET x = y[1: keys];") == "revision_syntax");
    CHECK(batch(good, fmt::format("-- tapline: batch {}\n{}", good, update)) == "revision_syntax");
    CHECK(
        code(fmt::format("UPDATE t\n-- tapline: batch {}\nSET x = :keys;", good)) ==
        "revision_syntax"
    );
    const std::string sqlite =
        fmt::format("-- tapline: batch {}\nUPDATE t SET x = 1 WHERE k IN (:keys);", good);
    CHECK(code(sqlite, Dialect::sqlite) == "no error");
}

TEST_CASE("Section options have few and safe values") {
    CHECK(options("transaction=on lock_timeout=\"2s\"") == "no error");
    CHECK(options("lock_timeout=24h") == "no error");
    for (const char* bad :
         {"transaction=no",
          "transaction",
          "lock_timeout=0s",
          "statement_timeout=0ms",
          "lock_timeout=2",
          "lock_timeout=-2s",
          "lock_timeout=25h",
          "lock_timeout=9223372036854775807h",
          "lock_timeout=2s lock_timeout=2s",
          "locktimeout=2s",
          "transaction=off; DROP TABLE x"}) {
        INFO(bad);
        CHECK(options(bad) == "revision_syntax");
    }
}

TEST_CASE("A section can't end the runner's transaction") {
    for (const char* sql :
         {"BEGIN",
          "begin immediate",
          "COMMIT",
          "/* x */ Rollback",
          "SAVEPOINT a",
          "RELEASE a",
          "END",
          "SELECT 1; COMMIT; SELECT 2"}) {
        INFO(sql);
        CHECK(code(sql, Dialect::postgres) == "transaction_control");
        CHECK(code(sql, Dialect::sqlite) == "transaction_control");
    }
    for (const char* sql : {"START TRANSACTION", "ABORT", "PREPARE TRANSACTION 'x'"}) {
        INFO(sql);
        CHECK(code(sql) == "transaction_control");
    }
    for (const char* sql :
         {"PREPARE a AS SELECT 1", "SELECT 'COMMIT'", "-- COMMIT;", "DO $$BEGIN NULL; END$$"}) {
        INFO(sql);
        CHECK(code(sql) == "no error");
    }
    const auto error = sample::error_of([] { return upgrade("SELECT 1;\n COMMIT;"); });
    REQUIRE(error);
    CHECK(std::string(error->what()).find("abcd.sql:6: COMMIT") == 0);
}

TEST_CASE("What psql alone understands, and what is cut off, is refused") {
    CHECK(code("\\restrict abc\nSELECT 1;") == "revision_syntax");
    CHECK(code("SELECT '\\';") == "no error");
    CHECK(code("CREATE TABLE t (a int;") == "revision_syntax");
    CHECK(
        code("CREATE TRIGGER t AFTER INSERT ON p BEGIN SELECT 1;", Dialect::sqlite) ==
        "revision_syntax"
    );
    CHECK(code("SELECT 1; -- tapline: batch rows=1") == "revision_syntax");
    CHECK(code("SELECT 1; -- tapline: allow data_loss: x") == "no error");
    CHECK(code("  -- tapline: allow data_loss: x\nSELECT 1;") == "no error");
    CHECK(code("-- tapline: allow data_loss") == "revision_syntax");
    CHECK(code("SELECT '\n-- tapline: nonsense\n', $$\n-- tapline: upgrade\n$$;") == "no error");
}

TEST_CASE("A stored section reads back as it was") {
    const Section section = sample::postgres().upgrade;
    const Section again =
        parse_section(section.raw, Dialect::postgres, Direction::upgrade, "stored upgrade");
    CHECK(again.raw == section.raw);
    CHECK(again.transaction == section.transaction);
    CHECK(again.lock_timeout == section.lock_timeout);
    REQUIRE(again.statements.size() == section.statements.size());
    for (std::size_t i = 0; i < again.statements.size(); ++i) {
        CHECK(again.statements[i].text == section.statements[i].text);
    }
    CHECK(again.batches.size() == 1);
    for (const std::string& bad :
         {std::string(), std::string("SELECT 1;"), section.raw + section.raw}) {
        CHECK(sample::code_of([&] {
                  return parse_section(bad, Dialect::postgres, Direction::upgrade, "stored");
              }) == "revision_syntax");
    }
    CHECK(sample::code_of([&] {
              return parse_section(section.raw, Dialect::postgres, Direction::downgrade, "stored");
          }) == "revision_syntax");
}

TEST_CASE("A section has a limited number of statements") {
    std::string many;
    for (std::size_t i = 0; i < max_statements; ++i) {
        many += "SELECT 1;\n";
    }
    CHECK(upgrade(many).statements.size() == max_statements);
    CHECK(code(many + "SELECT 1;") == "revision_syntax");
}
