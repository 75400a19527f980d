// What the agent does when its journal and central tell different histories.
#include "tests/support/syncer_bar.hpp"

namespace tapline::test {

namespace {

/// Central has settled another history of this journal through 2; pour 1 is in common.
void fork(Bar& bar) {
    bar.file.pour_many(3);
    bar.central.cursor = 2;
    bar.central.hash[0] = 1;
    MemoryJournal journal(bar.file);
    wire::EpochGrant grant;
    grant.epoch = 2;
    grant.cursor = 1;
    grant.hash = *journal.hash_at(1);
    bar.central.grant = grant;
}

}  // namespace

TEST_CASE("Syncer: a fork is repaired by an epoch, and what isn't in common is sent again") {
    Bar bar;
    fork(bar);
    bar.start();
    REQUIRE(bar.central.epoch_requests.size() == 1);
    const auto& asked = bar.central.epoch_requests[0];
    CHECK(asked.epoch == 1);
    CHECK(asked.reason == "fork");
    CHECK(asked.points.size() == 3);
    CHECK(asked.max_seq == 3);
    REQUIRE(bar.central.targets.size() == 1);
    CHECK(bar.central.targets[0].ends_with("/2/pours"));
    CHECK(bar.central.batches[0].first_seq == 2);
    CHECK(bar.central.hellos.back().epoch == 2);
    CHECK(bar.file.identity.epoch == 2);
    CHECK(bar.file.identity.acked_through == 3);
    CHECK(bar.file.count("confirmed") >= 2);
    CHECK(bar.state() == SyncState::idle);
    CHECK(bar.syncer.status().epoch == 2);
}

TEST_CASE("Syncer: a fork that central sees first is repaired the same way") {
    Bar bar;
    fork(bar);
    bar.central.hash = RowHash{};
    bar.central.cursor = 0;
    bar.central.faults = {Fault::refuse};
    bar.central.refusal = problem(409, "fork", "fork");
    bar.start();
    CHECK(bar.central.epoch_requests.size() == 1);
    CHECK(bar.file.identity.epoch == 2);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("Syncer: a lost grant is asked for again from the same epoch") {
    Bar bar;
    fork(bar);
    bar.central.lose_grant = true;
    const auto cursor = bar.central.cursor;
    const auto hash = bar.central.hash;
    bar.start();
    CHECK(bar.state() == SyncState::away);
    CHECK(bar.file.identity.epoch == 1);
    // Whoever says hello in the old epoch still hears of the fork.
    bar.central.cursor = cursor;
    bar.central.hash = hash;
    bar.run(5s);
    CHECK(bar.central.epoch_requests.size() == 2);
    CHECK(bar.central.epoch_requests[1].epoch == 1);
    CHECK(bar.file.identity.epoch == 2);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("Syncer: while an operator decides the tap goes on and central is asked when it says") {
    Bar bar;
    fork(bar);
    auto refusal = problem(409, "two_alive", "wait");
    refusal.retry_after = 15s;
    bar.central.grant_refusal = refusal;
    bar.start();
    bar.run(3s);
    CHECK(bar.state() == SyncState::fork);
    CHECK(bar.syncer.status().last_error.find("two_alive") != std::string::npos);
    CHECK(bar.central.batches.empty());
    CHECK(bar.file.count("new") == 0);
    CHECK(bar.central.epoch_requests.size() == 1);
    bar.central.grant_refusal.reset();
    bar.run(14s, 100ms);
    CHECK(bar.file.identity.epoch == 2);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("Syncer: a grant that doesn't fit the journal is not taken") {
    Bar bar;
    fork(bar);
    bar.central.grant->hash[5] ^= 1U;
    bar.start();
    CHECK(bar.file.identity.epoch == 1);
    CHECK(bar.central.batches.empty());
    CHECK(bar.syncer.status().last_error.find("granted epoch 2") != std::string::npos);
}

TEST_CASE("Syncer: a disk that is full keeps the old epoch until there is room") {
    Bar bar;
    fork(bar);
    bar.file.write_failure.emplace(ErrorKind::storage_full, "disk_full", "disk full", "make room");
    const auto cursor = bar.central.cursor;
    const auto hash = bar.central.hash;
    bar.start();
    bar.central.cursor = cursor;
    bar.central.hash = hash;
    CHECK(bar.file.identity.epoch == 1);
    CHECK(bar.central.batches.empty());
    bar.file.write_failure.reset();
    bar.run(10s);
    CHECK(bar.file.identity.epoch == 2);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("Syncer: forks without end are asked about slowly") {
    Bar bar;
    fork(bar);
    bar.central.hello_fault = Fault::refuse;
    bar.central.refusal = problem(409, "fork", "fork");
    bar.start();
    bar.run(30s, 100ms);
    CHECK(bar.central.epoch_requests.size() == 2);
    CHECK(bar.state() == SyncState::fork);
    bar.run(60s, 100ms);
    CHECK(bar.central.epoch_requests.size() == 4);
}

TEST_CASE("Syncer: what may be pruned is heard by hello and written down once") {
    Bar bar;
    bar.start();
    bar.pour(3);
    bar.central.prunable_through = 2;
    bar.run(61s, 100ms);
    CHECK(bar.file.identity.prunable_through == 2);
    const auto writes = bar.file.writes;
    bar.run(61s, 100ms);
    CHECK(bar.file.writes == writes);
}

}  // namespace tapline::test
