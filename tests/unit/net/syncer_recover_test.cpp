// Failures of the card that nobody meets at once: on the way out of another one, or with nothing to
// write.
#include "tests/support/syncer_bar.hpp"

using namespace std::chrono_literals;
using tapline::Error;
using tapline::ErrorKind;
using tapline::sync::SyncState;
using tapline::test::Bar;
using tapline::test::Fault;

namespace {

/// The first batch is acked; before that can be written down, central is away and the card fails.
void lose_both(Bar& bar, ErrorKind kind) {
    bar.start();
    bar.central.faults = {Fault::none};
    bar.central.always = Fault::drop;
    bar.file.write_failure.emplace(kind, "failing", "the card fails", "look at it");
    bar.pour(1'200);
    bar.run(5s);
}

}  // namespace

TEST_CASE("Syncer: an ack that the card doesn't take while central is away doesn't end the agent") {
    for (const auto kind : {ErrorKind::storage, ErrorKind::storage_busy}) {
        Bar bar;
        lose_both(bar, kind);
        REQUIRE_FALSE(bar.ended);
        CHECK(bar.file.identity.acked_through == 0);
        bar.file.write_failure.reset();
        bar.central.always = Fault::none;
        bar.run(120s, 50ms);
        CHECK(bar.state() == SyncState::idle);
        CHECK(bar.file.identity.acked_through == 1'200);
        CHECK(bar.all_stored_once());
    }
}

TEST_CASE("Syncer: with nothing to write a card that the kernel stopped is noticed within a minute"
) {
    Bar bar;
    bar.start();
    bar.pour(10);
    bar.run(5s);
    REQUIRE(bar.state() == SyncState::idle);
    bar.file.read_only = true;
    bar.run(61s, 100ms);
    CHECK(bar.state() == SyncState::storage_error);
    CHECK_FALSE(bar.syncer.status().hint.empty());
    bar.pour(10);
    bar.run(5s);
    CHECK(bar.all_stored_once());
    bar.file.read_only = false;
    bar.run(61s, 100ms);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("Syncer: a cursor that doesn't fit on a full disk is written once there is room") {
    Bar bar;
    bar.start();
    bar.pour(10);
    bar.run(5s);
    REQUIRE(bar.file.identity.acked_through == 10);
    // As a card that was restored from a copy of the morning.
    bar.file.identity.acked_through = 0;
    bar.file.write_failure.emplace(ErrorKind::storage_full, "disk_full", "it is full", "make room");
    bar.syncer.swapped();
    bar.run(60s, 50ms);
    CHECK(bar.state() == SyncState::storage_error);
    CHECK(bar.file.identity.acked_through == 0);
    bar.file.write_failure.reset();
    bar.run(60s, 50ms);
    CHECK(bar.state() == SyncState::idle);
    CHECK(bar.file.identity.acked_through == 10);
    CHECK(bar.all_stored_once());
}
