// Alembic's offline output, cut into steps and pieces.
#include "central/import/rendered.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace {

using namespace tapline;
using alembic::Rendered;
using alembic::RenderedStep;
using revision::Direction;

const revision::IdSet ids{"aaaa1", "bbbb2", "cccc3", "join4"};

constexpr const char* update =
    "UPDATE alembic_version SET version_num='{}' "
    "WHERE alembic_version.version_num = '{}';";

std::string moved(const std::string& to, const std::string& from) {
    return fmt::format(fmt::runtime(update), to, from) + "\n\n";
}

/// The step aaaa1 -> bbbb2 with this between its comment and Alembic's own statement.
RenderedStep step_with(const std::string& sql) {
    const Rendered found = alembic::read_rendered(
        "BEGIN;\n\n-- Running upgrade aaaa1 -> bbbb2\n\n" + sql + "\n\n" + moved("bbbb2", "aaaa1") +
            "COMMIT;\n",
        ids
    );
    REQUIRE(found.steps.size() == 1);
    CHECK(found.versioned);
    return found.steps.at({Direction::upgrade, "bbbb2"});
}

/// "on: a | b; off: c"
std::string shape(const RenderedStep& step) {
    std::string text;
    for (const alembic::RenderedPiece& piece : step.pieces) {
        text += (text.empty() ? "" : "; ") + std::string(piece.transaction ? "on:" : "off:");
        for (const std::string& each : piece.statements) {
            text += (&each == &piece.statements.front() ? " " : " | ") + each;
        }
    }
    return text;
}

}  // namespace

TEST_CASE(
    "Steps of a whole script are told apart, without what Alembic does for itself", "[import]"
) {
    const Rendered found = alembic::read_rendered(
        "BEGIN;\n\nCREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);\n\n"
        "-- Running upgrade  -> aaaa1\n\nCREATE TABLE t (a int);\n\n"
        "INSERT INTO alembic_version (version_num) VALUES ('aaaa1') RETURNING "
        "alembic_version.version_num;\n\n"
        "-- Running upgrade aaaa1 -> bbbb2\n\nSELECT 2;\n\n" +
            moved("bbbb2", "aaaa1") +
            "-- Running upgrade aaaa1 -> cccc3\n\n"
            "INSERT INTO alembic_version (version_num) VALUES ('cccc3');\n\n"
            "-- Running upgrade bbbb2, cccc3 -> join4\n\n"
            "DELETE FROM alembic_version WHERE alembic_version.version_num = 'bbbb2';\n\n" +
            moved("join4", "cccc3") + "COMMIT;\n",
        ids
    );
    REQUIRE(found.order.size() == 4);
    CHECK(shape(found.steps.at({Direction::upgrade, "aaaa1"})) == "on: CREATE TABLE t (a int)");
    CHECK(shape(found.steps.at({Direction::upgrade, "bbbb2"})) == "on: SELECT 2");
    CHECK(shape(found.steps.at({Direction::upgrade, "cccc3"})).empty());
    CHECK(shape(found.steps.at({Direction::upgrade, "join4"})).empty());
    CHECK(found.order.back() == alembic::StepName{Direction::upgrade, "join4"});
}

TEST_CASE("A downgrade to base loses the version table's end", "[import]") {
    const Rendered found = alembic::read_rendered(
        "BEGIN;\n-- Running downgrade aaaa1 -> \n\nDROP TABLE t;\n\n"
        "DELETE FROM alembic_version WHERE alembic_version.version_num = 'aaaa1';\n\n"
        "DROP TABLE alembic_version;\n\nCOMMIT;\n",
        ids
    );
    CHECK(shape(found.steps.at({Direction::downgrade, "aaaa1"})) == "on: DROP TABLE t");
}

TEST_CASE("Strings and bodies that look like Alembic's own lines stay as they are", "[import]") {
    const std::string values =
        "INSERT INTO t VALUES ('COMMIT;\n\n-- Running upgrade bbbb2 -> cccc3\nBEGIN;', "
        "$x$UPDATE alembic_version SET version_num='a';$x$)";
    CHECK(shape(step_with(values + ";")) == "on: " + values);
    const std::string body =
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n\n"
        "-- Running upgrade bbbb2 -> cccc3\nRETURN 1; -- COMMIT;\nEND $$";
    CHECK(shape(step_with(body + ";")) == "on: " + body);
    CHECK(shape(step_with("-- Running upgrade nobody -> knows\nSELECT 1;")) == "on: SELECT 1");
}

TEST_CASE("What commits in between becomes pieces", "[import]") {
    CHECK(
        shape(step_with("SELECT 1;\nCOMMIT;\nALTER TYPE e ADD VALUE 'x';\n"
                        "CREATE INDEX CONCURRENTLY i ON t (a);\nANALYZE t;\nBEGIN;\nSELECT 2;")) ==
        "on: SELECT 1; on: ALTER TYPE e ADD VALUE 'x'; "
        "off: CREATE INDEX CONCURRENTLY i ON t (a) | ANALYZE t; on: SELECT 2"
    );
    CHECK(
        shape(step_with("COMMIT;\nCREATE INDEX CONCURRENTLY i ON t (a);\nBEGIN;")) ==
        "off: CREATE INDEX CONCURRENTLY i ON t (a)"
    );
    CHECK(
        shape(step_with("COMMIT;\nALTER TYPE e ADD VALUE 'x';\nALTER TYPE e ADD VALUE 'y';\n"
                        "UPDATE t SET m = 'x';\nBEGIN;")) ==
        "on: ALTER TYPE e ADD VALUE 'x' | ALTER TYPE e ADD VALUE 'y'; on: UPDATE t SET m = 'x'"
    );
    // ANALYZE may run in a transaction, and does where Alembic has it so.
    CHECK(shape(step_with("ANALYZE t;\nSELECT 1;")) == "on: ANALYZE t | SELECT 1");
}

TEST_CASE("A step that can't be a section is a problem that names the statement", "[import]") {
    const auto problem = [](const std::string& sql) { return step_with(sql).problem; };
    CHECK(problem("SELECT 1;").empty());
    CHECK_THAT(problem("42 rows moved\nSELECT 1;"), Catch::Contains("isn't SQL"));
    CHECK_THAT(problem("SELECT 1 -- the end;\n\nSELECT 2;"), Catch::Contains("isn't SQL"));
    CHECK_THAT(problem("CREATE INDEX CONCURRENTLY i ON t (a);"), Catch::Contains("transaction"));
    CHECK_THAT(
        problem("COMMIT;\nCREATE INDEX CONCURRENTLY ON t (a);\nBEGIN;"),
        Catch::Contains("CREATE INDEX CONCURRENTLY ON t")
    );
    CHECK_THAT(
        problem("COMMIT;\nALTER SYSTEM SET fsync = off;\nBEGIN;"), Catch::Contains("SYSTEM")
    );
    CHECK_THAT(
        problem("DELETE FROM alembic_version WHERE version_num = '57c6ac405ef5';\nSELECT 1;"),
        Catch::Contains("alembic_version")
    );
    CHECK_THAT(
        problem("DELETE FROM alembic_version WHERE version_num = '57c6ac405ef5';"),
        Catch::Contains("alembic_version")
    );
}

TEST_CASE("A script without a version table of ours is seen as such", "[import]") {
    const Rendered found = alembic::read_rendered(
        "BEGIN;\n-- Running upgrade  -> aaaa1\nSELECT 1;\n"
        "INSERT INTO other.alembic_version (version_num) VALUES ('aaaa1');\nCOMMIT;\n",
        ids
    );
    CHECK_FALSE(found.versioned);
}
