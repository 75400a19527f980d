// What is told of a failed run of Alembic.
#include "central/import/traceback.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace tapline;

alembic::ChildEnd failed(const std::string& err) {
    return {1, "BEGIN;\n", err};
}

constexpr const char* path = "/p/versions/0005_x.py";
const std::string frames =
    "Traceback (most recent call last):\n"
    "  File \"/usr/bin/alembic\", line 33, in <module>\n"
    "    sys.exit(main())\n"
    "             ^^^^^^\n"
    "  File \"/p/versions/0005_x.py\", line 7, in upgrade\n";

}  // namespace

TEST_CASE("The exception is told with the line of the revision's file", "[import]") {
    const auto end = failed(
        frames +
        "    rows = op.get_bind().execute(\"SELECT 1\").fetchall()\n           ^^^^\n"
        "AttributeError: 'NoneType' object has no attribute 'fetchall'\n"
    );
    CHECK(
        alembic::reason_of(end, path) ==
        "AttributeError: 'NoneType' object has no attribute 'fetchall' (0005_x.py line 7)"
    );
    CHECK_FALSE(alembic::raised_by_author(end, path));
}

TEST_CASE("Of a long report only the exception's own line is told", "[import]") {
    const auto end = failed(
        frames +
        "    op.execute('x')\n  File \"/lib/sqlalchemy/base.py\", line 1, in f\n    raise e\n"
        "sqlalchemy.exc.X: (psycopg2.errors.Y) no\n\n[SQL: SELECT 1]\n(Background on …)\n"
    );
    CHECK(
        alembic::reason_of(end, path) ==
        "sqlalchemy.exc.X: (psycopg2.errors.Y) no (0005_x.py line 7)"
    );
    CHECK_FALSE(alembic::raised_by_author(end, path));
}

TEST_CASE("The author's own raise is known, and only that", "[import]") {
    const auto end = failed(
        frames +
        "    raise NotImplementedError('no way')\n"
        "NotImplementedError: no way\n"
    );
    CHECK(alembic::raised_by_author(end, path));
    CHECK_FALSE(alembic::raised_by_author(end, "/p/versions/0006_y.py"));
}

TEST_CASE("Without a traceback Alembic's own words are told", "[import]") {
    CHECK(alembic::exception_line(failed("  FAILED: Ambiguous walk\n")) == "Ambiguous walk");
    CHECK(alembic::exception_line({127, "", ""}) == "exit code 127");
}
