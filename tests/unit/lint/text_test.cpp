// Lines, broken SQL and limits.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/unit/lint/sample.hpp"

using namespace tapline;
using namespace tapline::test;

namespace {

std::string error(const std::string& sql) {
    return error_of([&] { return lint_text(sql); });
}

std::string repeated(const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) {
        result += text;
    }
    return result;
}

}  // namespace

TEST_CASE("Lint.AFindingStandsOnTheFirstLineOfItsStatement") {
    CHECK(
        summary("-- a comment\n\n  SELECT 1; DROP\n  TABLE t\n;\n/* two\nlines */ DROP VIEW v;") ==
        "3 data_loss block, 3 breaks_clients block, 7 breaks_clients block"
    );
    CHECK(summary("\xEF\xBB\xBFSELECT 1;\r\nDROP VIEW v;\r\n") == "2 breaks_clients block");
    CHECK(summary("SELECT 'ä€𝄞\n';\nDROP VIEW v;") == "3 breaks_clients block");
}

TEST_CASE("Lint.BrokenSqlNamesFileAndLine") {
    CHECK(
        error("SELECT 1;\nALTER TABLE t\n  ADD COLUM a int,,;").starts_with("sql_syntax: x.sql:3: ")
    );
    CHECK(error("SELECT 'ä€𝄞',\n\n FRUM;;") == "no error");
    CHECK(error("SELECT 'ä€𝄞',\n\n FROM FROM;").starts_with("sql_syntax: x.sql:3: "));
    CHECK(error("SELECT 'open").starts_with("revision_syntax: x.sql:1"));
    CHECK(error("SELECT (1;").starts_with("revision_syntax: x.sql:1"));
    CHECK(error("\\copy t from x").starts_with("revision_syntax: x.sql:1"));
    CHECK(error(std::string("SELECT 1;\0", 10)).starts_with("revision_syntax: x.sql"));
    CHECK(error("SELECT '\xFF';").starts_with("revision_syntax: x.sql"));
    CHECK(error("").starts_with("no error"));
    CHECK(error(" -- nothing\n;;").starts_with("no error"));
}

TEST_CASE("Lint.WhatIsNestedTooDeepIsAnErrorAndNoCrash") {
    const auto brackets = [](int depth) {
        return "SELECT " + repeated("(", depth) + "1" + repeated(")", depth) + ";";
    };
    CHECK(error(brackets(1'000)) == "no error");
    CHECK(error(brackets(1'001)).starts_with("sql_syntax: x.sql:1: it is nested too deep"));
    CHECK(error(brackets(100'000)).starts_with("sql_syntax"));
    CHECK(error("SELECT 1" + repeated("+1", 9'000) + ";") == "no error");
    CHECK(error("SELECT 1" + repeated("+1", 300'000) + ";").starts_with("sql_syntax"));
    CHECK(error("SELECT 1" + repeated(" UNION ALL SELECT 1, 2", 2'000) + ";")
              .starts_with("sql_syntax"));
    CHECK(error("SELECT " + repeated("NOT ", 9'000) + "true;") == "no error");
    CHECK(
        error("INSERT INTO t VALUES (1)" + repeated(", (1, -1, 'x')", 20'000) + ";") == "no error"
    );
}

TEST_CASE("Lint.ABlockThatCannotBeReadIsSaidSo") {
    CHECK(summary("DO $$ BEGIN not plpgsql at all END $$;") == "1 cannot_be_checked warn");
    CHECK(summary("DO $$ BEGIN EXECUTE 'DROP TABL t'; END $$;") == "1 cannot_be_checked warn");
    const std::string deep = repeated("(", 2'000) + "1" + repeated(")", 2'000);
    CHECK(summary("DO $$ BEGIN PERFORM " + deep + "; END $$;") == "1 cannot_be_checked warn");
}

TEST_CASE("Lint.OneFindingPerStatementAndHazard") {
    const lint::Report report = lint_text("DROP TABLE a, b.c;");
    REQUIRE(report.findings.size() == 3);
    CHECK(report.findings[1].object == "table a, table b.c");
    CHECK(
        summary("ALTER TABLE t DROP COLUMN a, DROP COLUMN b;") ==
        "1 data_loss block, 1 breaks_clients block"
    );
}

TEST_CASE("Lint.NamesAreShownAsTheServerShowsThem") {
    const auto object = [](const std::string& sql) { return lint_text(sql).findings.at(0).object; };
    CHECK(object("ALTER TABLE public.t DROP COLUMN a;") == "table t column a");
    CHECK(object("ALTER TABLE tapline.\"T 1\" DROP COLUMN a;") == "table tapline.T 1 column a");
    CHECK(object("DROP INDEX tapline.i;") == "index tapline.i");
}
