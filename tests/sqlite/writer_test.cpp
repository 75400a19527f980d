#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "agent/journal/adopt.hpp"
#include "agent/journal/stable_copy.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;

TEST_CASE(
    "the tap pours on while its journal is adopted: a writer with 5 s of patience fails at nothing"
) {
    const bool in_delete_mode = GENERATE(false, true);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, in_delete_mode ? "gen1" : "gen8", 5000);
    Tap::Habit habit;
    habit.pause_ms = 20;
    if (in_delete_mode) {
        habit.insert = release("gen4").insert;
    }
    Tap tap(file, habit);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto report = journal::adopt(file);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto result = tap.stop();
    CHECK(result.failed == 0);
    CHECK(result.written >= 3);
    CHECK(report.changed);
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == std::to_string(5000 + result.written));
    CHECK(Plain(file).one("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a tap that pours as fast as it can doesn't keep its journal from being adopted") {
    const bool persistent = GENERATE(false, true);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen7", 2000);
    Tap::Habit habit;
    habit.insert = release("gen7").insert;
    habit.pause_ms = 0;
    habit.persistent = persistent;
    Tap tap(file, habit);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto report = journal::adopt(file);
    const auto result = tap.stop();
    CHECK(result.failed == 0);
    CHECK(report.recognised == "gen7");
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == std::to_string(2000 + result.written));
}

TEST_CASE("a tap that holds its lock nearly all the time can still be copied") {
    const bool in_delete_mode = GENERATE(false, true);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, in_delete_mode ? "gen1" : "gen8", 60'000);
    Tap::Habit habit;
    habit.insert = release(in_delete_mode ? "gen4" : "gen8").insert;
    habit.pause_ms = 0;
    habit.hold_ms = 3;
    Tap tap(file, habit);
    for (int round = 0; round < 3; ++round) {
        const journal::StableCopy copy(file);
        CHECK(Plain(copy.main()).one("PRAGMA integrity_check") == "ok");
        CHECK(std::stoi(Plain(copy.main()).one("SELECT count(*) FROM pours")) >= 60'000);
    }
    const auto result = tap.stop();
    CHECK(result.failed == 0);
    CHECK(result.written > 0);
}
