// Another program, with limits.
#include "central/import/child.hpp"

#include <catch2/catch.hpp>

#include "common/error.hpp"

namespace {

using namespace tapline;

alembic::Child shell(const std::string& script) {
    return {{"/bin/sh", "-c", script}, {{"PATH", "/usr/bin:/bin"}, {"WORD", "a b"}}, "/tmp"};
}

std::string code_of(const alembic::Child& child, const alembic::ChildLimits& limits) {
    try {
        (void)alembic::run_child(child, limits);
    } catch (const Error& error) {
        return error.code();
    }
    return "";
}

}  // namespace

TEST_CASE("A child has its environment, its directory, and both outputs apart", "[import]") {
    const alembic::ChildEnd end = alembic::run_child(
        shell("echo \"$WORD in $PWD, ${HOME-no home}\"; echo wrong >&2; cat; exit 7"), {}
    );
    CHECK(end.exit_code == 7);
    CHECK(end.out == "a b in /tmp, no home\n");
    CHECK(end.err == "wrong\n");
    CHECK(alembic::run_child(shell("kill -TERM $$"), {}).exit_code == 128 + 15);
}

TEST_CASE("A child beyond a limit is ended and said so", "[import]") {
    CHECK(code_of(shell("exec sleep 100"), {std::chrono::seconds(1), 1000}) == "child_limit");
    CHECK(code_of(shell("exec yes"), {std::chrono::seconds(60), 1000}) == "child_limit");
}

TEST_CASE("A program is found on PATH or by its path", "[import]") {
    CHECK(alembic::find_program("sh").is_absolute());
    CHECK(alembic::find_program("/bin/sh") == "/bin/sh");
    CHECK_THROWS_AS(alembic::find_program("/bin/no-such-program"), Error);
    CHECK_THROWS_AS(alembic::find_program("no-such-program"), Error);
}
