// --schema, --before, several files, revision files.
#include <catch2/catch.hpp>

#include "common/revision/directory.hpp"
#include "tests/unit/lint/sample.hpp"

using namespace tapline;
using namespace tapline::test;

namespace {

constexpr const char* header =
    "-- m\n-- Revision ID: abcd\n-- Revises:\n-- Create Date: 2026-11-20\n\n";

std::string revision_summary(const std::string& sections, const LintRun& run = {}) {
    lint::Catalog catalog;
    lint::apply_file(catalog, {"schema.sql", run.schema}, "schema.sql");
    return summary(lint::lint_file(catalog, {"abcd_m.sql", header + sections}, "abcd_m.sql", true));
}

}  // namespace

TEST_CASE("Lint.SchemaTellsWhichTypeAColumnHas") {
    const std::string sql = "ALTER TABLE t ALTER COLUMN a TYPE varchar(50);";
    CHECK(summary(sql) == "1 table_rewrite block");
    CHECK(summary(sql, {.schema = "CREATE TABLE t (a varchar(20));"}).empty());
    CHECK(
        summary(sql, {.schema = "CREATE TABLE t (a varchar(90));"}) ==
        "1 table_rewrite block, 1 fails_on_existing_rows warn"
    );
}

TEST_CASE("Lint.TablesOfSchemaAndBeforeHaveRows") {
    const std::string sql = "CREATE INDEX ON t (a);";
    CHECK(summary(sql, {.schema = "CREATE TABLE t (a int);"}) == "1 blocks_writes block");
    CHECK(summary(sql, {.before = "CREATE TABLE t (a int);"}) == "1 blocks_writes block");
    CHECK(summary("CREATE TABLE t (a int);\n" + sql).empty());
}

TEST_CASE("Lint.BeforeMakesTheSecondStepAllowed") {
    CHECK(summary(
              "ALTER TABLE t VALIDATE CONSTRAINT c;",
              {.before = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;"}
    )
              .empty());
    CHECK(summary(
              "UPDATE t SET m = 'new' WHERE id = 1;", {.before = "ALTER TYPE mood ADD VALUE 'new';"}
    )
              .empty());
    CHECK(summary(
              "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
              {.before = "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
                         "ALTER TABLE t VALIDATE CONSTRAINT c;"}
    )
              .empty());
    CHECK(
        summary(
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
            {.before = "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"}
        ) == "1 full_scan_under_lock block, 1 fails_on_existing_rows warn"
    );
}

TEST_CASE("Lint.AnUnvalidatedCheckProvesNothing") {
    const std::string table =
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a);"
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) ";
    const std::string sql = "ALTER TABLE t ADD PRIMARY KEY USING INDEX i;";
    CHECK(summary(sql, {.schema = table + ";"}).empty());
    CHECK(
        summary(sql, {.schema = table + "NOT VALID;"}) ==
        "1 full_scan_under_lock block, 1 fails_on_existing_rows warn"
    );
}

TEST_CASE("Lint.SchemaMayBeADumpOfPgDump") {
    const std::string dump =
        "\\restrict abc\n\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', "
        "'', false);\nCREATE TABLE public.t (\n    a character varying(20)\n);\nALTER TABLE "
        "public.t "
        "OWNER TO bar;\n\\unrestrict abc\n";
    CHECK(summary("ALTER TABLE t ALTER COLUMN a TYPE varchar(50);", {.schema = dump}).empty());
}

TEST_CASE("Lint.LaterFilesComeUponEarlierOnes") {
    lint::Catalog catalog;
    const lint::Report first =
        lint::lint_file(catalog, {"1.sql", "CREATE TABLE t (a int);"}, "1.sql", true);
    const lint::Report second =
        lint::lint_file(catalog, {"2.sql", "CREATE INDEX ON t (a);"}, "2.sql", true);
    CHECK(summary(first).empty());
    CHECK(summary(second) == "1 blocks_writes block");
}

TEST_CASE("Lint.NoTransactionJudgesEachStatementAlone") {
    const std::string sql = "CREATE INDEX CONCURRENTLY i ON t (a);\nVACUUM t;";
    CHECK(summary(sql, {.transaction = false}).empty());
    CHECK(summary(sql) == "1 not_allowed_in_transaction block, 2 not_allowed_in_transaction block");
    CHECK(
        summary("BEGIN;\nVACUUM t;\nCOMMIT;\nVACUUM t;", {.transaction = false}) ==
        "1 transaction_control block, 2 not_allowed_in_transaction block, 3 transaction_control "
        "block"
    );
}

TEST_CASE("Lint.RevisionFilesSayThemselvesHowTheyRun") {
    CHECK(revision_summary("-- tapline: upgrade transaction=off\nCREATE INDEX CONCURRENTLY i ON t "
                           "(a);\n-- tapline: downgrade transaction=off\nDROP INDEX CONCURRENTLY i;"
    )
              .empty());
    CHECK(
        revision_summary("-- tapline: upgrade\nVACUUM t;\n-- tapline: downgrade\n") ==
        "7 not_allowed_in_transaction block"
    );
    CHECK(
        revision_summary("-- tapline: upgrade\nCOMMIT;\n-- tapline: downgrade\n") ==
        "7 transaction_control block"
    );
}

TEST_CASE("Lint.ABatchStepIsNoWholeTableWrite") {
    const std::string update = "UPDATE t SET b = '' WHERE id = ANY(:keys) AND b IS NULL;\n";
    const std::string batch =
        "-- tapline: batch table=t key=id rows=500 until=\"b IS NULL\"\n" + update;
    CHECK(revision_summary(
              "-- tapline: upgrade transaction=off\n" + batch + "-- tapline: downgrade\n"
    )
              .empty());
}

TEST_CASE("Lint.AWayBackMayDropWhatItsUpgradeMade") {
    CHECK(
        revision_summary(
            "-- tapline: upgrade\nCREATE TABLE t (a int);\n-- tapline: downgrade\nDROP "
            "TABLE t;"
        ) == "9 data_loss warn"
    );
    CHECK(
        revision_summary("-- tapline: upgrade\nALTER TABLE t ADD COLUMN a int;\n-- tapline: "
                         "downgrade\nALTER TABLE t DROP COLUMN a;") == "9 data_loss warn"
    );
    CHECK(
        revision_summary("-- tapline: upgrade\n-- tapline: downgrade\nDROP TABLE t;") ==
        "8 data_loss block, 8 breaks_clients warn"
    );
    CHECK(revision_summary("-- tapline: upgrade\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT "
                           "VALID;\n-- tapline: downgrade\nALTER TABLE t DROP CONSTRAINT c;")
              .empty());
}

TEST_CASE("Lint.OurOwnRevisionsDoNotBlock") {
    const std::string root = std::string(TAPLINE_SOURCE) + "/migrations/postgres/";
    lint::Catalog catalog;
    for (const char* const lineage : {"app", "tapline"}) {
        for (const revision::SourceFile& file : revision::read_directory(root + lineage)) {
            const lint::Report report = lint::lint_file(catalog, file, file.name, true);
            INFO(file.name << ": " << summary(report));
            CHECK_FALSE(report.blocks());
        }
    }
}
