#include "agent/service/child.hpp"

#include <csignal>
#include <cstdlib>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

namespace tapline::test {

namespace {

constexpr std::chrono::milliseconds ample = 60s;
constexpr std::size_t room = 1'000;

service::Ran shell(const std::string& script, std::chrono::milliseconds limit = ample) {
    return service::run_child({"/bin/sh", "-c", script}, limit, room);
}

}  // namespace

TEST_CASE("A child's outputs and exit code come back apart") {
    const auto ran = shell("echo out; echo err >&2; exit 7");
    CHECK(ran.output == "out\n");
    CHECK(ran.errors == "err\n");
    CHECK(ran.exit_code == 7);
    CHECK_FALSE(ran.late);
    CHECK_FALSE(ran.cut);
}

TEST_CASE("A child's words are taken up to the limit and the rest doesn't hold it up") {
    const auto exact = shell("head -c 1000 /dev/zero");
    CHECK(exact.output.size() == room);
    CHECK_FALSE(exact.cut);
    const auto more = shell("head -c 300000 /dev/zero; echo end >&2");
    CHECK(more.output.size() == room);
    CHECK(more.cut);
    CHECK(more.exit_code == 0);
    CHECK(more.errors == "end\n");
}

TEST_CASE("A child that is late is killed with all that it started") {
    const auto begin = std::chrono::steady_clock::now();
    const auto ran = shell("sleep 600 & echo $!; sleep 600", 500ms);
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    CHECK(ran.late);
    CHECK(ran.exit_code == -1);
    const auto grandchild = std::atoi(ran.output.c_str());
    REQUIRE(grandchild > 1);
    bool gone = false;
    for (int i = 0; i < 200 && !gone; ++i) {
        // What nobody waits for stays as a zombie where init doesn't reap: it runs no more.
        const auto state = service::run_child(
            {"/bin/sh", "-c", "cut -d' ' -f3 /proc/" + std::to_string(grandchild) + "/stat"},
            ample,
            room
        );
        gone = state.output.empty() || state.output == "Z\n";
    }
    CHECK(gone);
}

TEST_CASE("A child that closes its outputs and lingers is late too") {
    CHECK(shell("exec >&- 2>&-; sleep 600", 500ms).late);
}

TEST_CASE("A program that isn't there is told as such") {
    const auto ran = service::run_child({"/nowhere/program"}, ample, room);
    CHECK(ran.exit_code == 127);
    CHECK(ran.output.empty());
}

TEST_CASE("A child has nothing to read") {
    CHECK(shell("cat; echo done").output == "done\n");
}

}  // namespace tapline::test
