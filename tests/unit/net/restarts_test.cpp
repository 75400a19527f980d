#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "agent/service/recent_starts.hpp"
#include "tests/support/syncer_bar.hpp"

using namespace std::chrono_literals;
using tapline::service::RecentStarts;
using tapline::service::storm_pause;
using tapline::test::Bar;

namespace {

/// On a tmpfs, where starts are remembered.
struct MemoryFolder {
    MemoryFolder() {
        std::string name = "/dev/shm/tapline-test-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }

    ~MemoryFolder() { std::filesystem::remove_all(path); }

    [[nodiscard]] RecentStarts start() const {
        return RecentStarts((path / "agent.status").string(), "x", [](const std::string&) {
            return std::nullopt;
        });
    }

    std::filesystem::path path;
};

}  // namespace

TEST_CASE("RecentStarts: lives that end early count, an orderly end forgets them") {
    const MemoryFolder folder;
    for (int life = 1; life <= 7; ++life) {
        CHECK(folder.start().in_a_row() == life);
    }
    folder.start().settled();
    CHECK(folder.start().in_a_row() == 1);
    std::ofstream(folder.path / "starts-x") << "-4 what";
    CHECK(folder.start().in_a_row() == 1);
}

TEST_CASE("RecentStarts: the pause begins after four starts, doubles, and keeps under the cap") {
    const tapline::BackoffLimits limits{2s, 60s, 0s};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CHECK(storm_pause(4, limits, seed) == 0ms);
        const auto fifth = storm_pause(5, limits, seed);
        CHECK((fifth >= 2s && fifth <= 4s));
        const auto seventh = storm_pause(7, limits, seed);
        CHECK((seventh >= 8s && seventh <= 16s));
        const auto thousandth = storm_pause(1'000, limits, seed);
        CHECK((thousandth >= 30s && thousandth <= 60s));
    }
    CHECK(storm_pause(6, limits, 1) != storm_pause(6, limits, 2));
}

TEST_CASE("Syncer: after a storm of restarts it has custody of pours and asks central later") {
    auto with = tapline::test::options();
    with.first_pause = 30s;
    Bar bar(std::move(with));
    bar.file.pour_many(3);
    bar.start();
    bar.run(29s, 100ms);
    CHECK(bar.central.hellos.empty());
    CHECK(bar.file.count("held") == 3);
    bar.run(2s);
    CHECK(bar.all_stored_once());
    CHECK(bar.file.count("confirmed") == 3);
}

TEST_CASE("Syncer: through a working day no loop is ever later than it said") {
    Bar bar;
    bar.start();
    bar.central.faults = {
        tapline::test::Fault::hang,
        tapline::test::Fault::drop,
        tapline::test::Fault::late,
        tapline::test::Fault::lose_answer};
    for (int minute = 0; minute < 60; ++minute) {
        bar.pour(minute % 7 == 0 ? 3 : 0);
        bar.run(60s, 250ms);
        CHECK(bar.syncer.stuck_at() == nullptr);
    }
    CHECK(bar.all_stored_once());
}

TEST_CASE("Syncer: a loop that doesn't come by in its time is named") {
    Bar bar;
    bar.start();
    REQUIRE(bar.state() == tapline::sync::SyncState::idle);
    // Its timers never run: time passes for everybody but the loop.
    bar.clock.advance(2h);
    REQUIRE(bar.syncer.stuck_at() != nullptr);
    CHECK(std::string(bar.syncer.stuck_at()) == "wait for pours");
}
