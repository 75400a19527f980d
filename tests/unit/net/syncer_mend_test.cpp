// What the syncer does about a damaged journal: it stops sending, has it mended, goes on in a new
// epoch.
#include <catch2/catch.hpp>

#include "tests/support/syncer_bar.hpp"

using namespace tapline;
using namespace tapline::test;

namespace {

Error damage() {
    return Error(ErrorKind::storage_corrupt, "damaged", "journal.db: malformed", "salvage it");
}

/// What the mending of a test does, and how often it was asked.
struct Mender {
    int mended = 0;
    int checked = 0;
    std::string finding;
    std::function<void()> work;

    [[nodiscard]] sync::SyncOptions options_on(boost::asio::io_context& io) {
        auto made = options();
        made.mending.run = [this] {
            ++mended;
            work();
            return std::string("salvaged");
        };
        made.mending.check = [this] {
            ++checked;
            return finding;
        };
        made.mending.thread = io.get_executor();
        return made;
    }
};

wire::EpochGrant grant() {
    wire::EpochGrant made;
    made.epoch = 2;
    return made;
}

}  // namespace

TEST_CASE("a journal that turns out damaged is mended and goes on in an epoch of its own") {
    boost::asio::io_context io;
    Mender mender;
    Bar bar(mender.options_on(io));
    mender.work = [&] {
        bar.file.read_failure.reset();
        bar.file.identity.salvaged = true;
    };
    bar.central.grant = grant();
    bar.start();
    bar.pour(3);
    bar.run(100ms);
    REQUIRE(bar.all_stored_once());
    bar.file.read_failure = damage();
    bar.pour(2);
    bar.run(100ms);
    CHECK(bar.state() == SyncState::damaged);
    CHECK_FALSE(bar.all_stored_once());
    const auto before = bar.file.opens;
    io.run();
    bar.run(1s);
    CHECK(mender.mended == 1);
    CHECK(bar.file.opens == before + 1);
    REQUIRE(bar.central.epoch_requests.size() == 1);
    CHECK(bar.central.epoch_requests.front().reason == "salvage");
    CHECK(bar.file.identity.epoch == 2);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("what can't be mended is tried again in an hour, and no pour is sent meanwhile") {
    boost::asio::io_context io;
    Mender mender;
    Bar bar(mender.options_on(io));
    mender.work = [] { throw Error(ErrorKind::storage_full, "disk_full", "no room", "make some"); };
    bar.file.read_failure = damage();
    bar.file.pour_many(2);
    bar.start();
    for (int minute = 0; minute < 70; ++minute) {
        io.restart();
        io.run();
        bar.run(60s, 100ms);
        // Each opening in between meets the damage again, and has other words for it.
        CHECK(bar.syncer.status().hint == "make some");
    }
    CHECK(mender.mended == 2);
    CHECK(bar.state() == SyncState::damaged);
    CHECK(bar.central.stored.empty());
}

TEST_CASE("after an unclean stop the check runs beside sending") {
    boost::asio::io_context io;
    Mender mender;
    Bar bar(mender.options_on(io));
    mender.work = [&] { bar.file.identity.salvaged = true; };
    bar.central.grant = grant();
    bar.file.pour_many(3);
    SECTION("after a clean stop later, and once a day") {
        bar.start();
        bar.run(9min, 10s);
        io.run();
        CHECK(mender.checked == 0);
        for (int hour = 0; hour < 26; ++hour) {
            bar.run(1h, 30s);
            io.restart();
            io.run();
        }
        CHECK(mender.checked == 2);
        CHECK(mender.mended == 0);
    }
    SECTION("no finding") {
        bar.file.left_behind = true;
        bar.start();
        bar.run(100ms);
        CHECK(bar.all_stored_once());
        io.run();
        bar.run(100ms);
        CHECK(mender.checked == 1);
        CHECK(mender.mended == 0);
    }
    SECTION("a finding") {
        bar.file.left_behind = true;
        mender.finding = "row 7 missing from index";
        bar.start();
        bar.run(100ms);
        CHECK(bar.all_stored_once());
        io.run();
        bar.file.left_behind = false;
        bar.run(100ms);
        CHECK(bar.state() == SyncState::damaged);
        io.restart();
        io.run();
        bar.run(1s);
        CHECK(mender.mended == 1);
        CHECK(bar.file.identity.epoch == 2);
    }
}
