#include <catch2/catch.hpp>

#include "tests/unit/lint/sample.hpp"

using namespace tapline;
using namespace tapline::test;

TEST_CASE("Lint.AllowSilencesOneHazardOfOneStatement") {
    CHECK(
        summary("-- tapline: allow data_loss: nobody reads it\nDROP TABLE t;\nDROP TABLE u;") ==
        "2 breaks_clients block, 3 many_tables_locked warn, 3 data_loss block, 3 breaks_clients "
        "block"
    );
    CHECK(summary("-- tapline: allow data_loss: a\n-- why\n\n-- tapline: allow breaks_clients: b\n"
                  "DROP TABLE t;")
              .empty());
}

TEST_CASE("Lint.AllowMayStandInOrBehindItsStatement") {
    const std::string expected = "1 breaks_clients block";
    CHECK(summary("DROP TABLE t; -- tapline: allow data_loss: empty") == expected);
    CHECK(summary("DROP TABLE\n-- tapline: allow data_loss: empty\nt;") == expected);
    CHECK(summary("DROP TABLE t -- tapline: allow data_loss: empty\n;") == expected);
}

TEST_CASE("Lint.AllowSaysWhyAndNamesAHazard") {
    const auto error = [](const std::string& sql) {
        return error_of([&] { return lint_text(sql); });
    };
    CHECK(
        error("SELECT 1;\n-- tapline: allow data_los: x\nDROP TABLE t;") ==
        "unknown_hazard: x.sql:2: there is no hazard 'data_los'"
    );
    CHECK(
        error("-- tapline: allow data_loss\nDROP TABLE t;").starts_with("revision_syntax: x.sql:1")
    );
    CHECK(error("-- tapline: allow data_loss: \nDROP TABLE t;")
              .starts_with("revision_syntax: x.sql:1"));
    CHECK(error("-- tapline: alow data_loss: x\nDROP TABLE t;")
              .starts_with("revision_syntax: x.sql:1"));
}

TEST_CASE("Lint.AnAllowanceThatSilencesNothingIsReported") {
    const lint::Report report =
        lint_text("-- tapline: allow data_loss: x\nSELECT 1;\n-- tapline: allow data_loss: y\n");
    REQUIRE(report.unused.size() == 2);
    CHECK(report.unused[0].line == 1);
    CHECK(report.unused[1].line == 3);
    CHECK(lint_text("-- tapline: allow data_loss: x\nDROP TABLE t;").unused.empty());
}

TEST_CASE("Lint.AllowInTextMeansNothing") {
    CHECK(
        summary("SELECT '\n-- tapline: allow data_loss: x\n';\nDROP TABLE t;") ==
        "4 data_loss block, 4 breaks_clients block"
    );
}

TEST_CASE("Lint.AllowSilencesABlockWhole") {
    CHECK(summary("-- tapline: allow data_loss: x\nDO $$ BEGIN DELETE FROM t WHERE id = 1; DELETE "
                  "FROM u WHERE id = 2; END $$;")
              .empty());
}
