#include "tests/support/syncer_bar.hpp"

using namespace std::chrono_literals;
using tapline::sync::SyncState;
using tapline::test::Bar;
using tapline::test::Fault;
using tapline::test::options;
using tapline::test::problem;

TEST_CASE("Syncer: a pour is sent, acked and confirmed without time passing") {
    Bar bar;
    bar.start();
    bar.pour();
    CHECK(bar.all_stored_once());
    CHECK(bar.file.count("confirmed") == 1);
    CHECK(bar.state() == SyncState::idle);
    CHECK(bar.syncer.status().acked_through == 1);
}

TEST_CASE("Syncer: a backlog goes in full batches, one in flight, in order") {
    Bar bar;
    bar.file.pour_many(2'345);
    bar.start();
    CHECK(bar.all_stored_once());
    CHECK(bar.central.most_in_flight == 1);
    CHECK(bar.central.batches.size() == 5);
    CHECK(bar.file.count("confirmed") == 2'345);
    CHECK(bar.file.identity.acked_hash == bar.central.hash);
}

TEST_CASE("Syncer: a lost answer is asked for again with the same batch and nothing is stored twice"
) {
    Bar bar;
    bar.central.faults = {Fault::lose_answer, Fault::lose_answer, Fault::none};
    bar.central.quarantine = {2};
    bar.file.pour_many(3);
    bar.start();
    bar.run(5s);
    CHECK(bar.all_stored_once());
    CHECK(bar.file.count("confirmed") == 2);
    CHECK(bar.file.count("quarantined") == 1);
}

TEST_CASE("Syncer: an operator's decision reaches an idle tap with the next hello, once") {
    Bar bar;
    bar.central.quarantine = {2};
    bar.file.pour_many(3);
    bar.start();
    bar.run(1s);
    REQUIRE(bar.file.count("quarantined") == 1);
    bar.central.released = {{1, 2, "settled"}};
    bar.run(130s, 50ms);
    CHECK(bar.file.count("quarantined") == 0);
    CHECK(bar.file.identity.released_through == 1);
    CHECK(bar.file.identity.acked_through == 3);
    CHECK(bar.central.hellos.back().released_through == 1);
    const auto writes = bar.file.writes;
    bar.run(130s, 50ms);
    CHECK(bar.file.writes == writes);
}

TEST_CASE("Syncer: every mixture of faults ends with every row stored once") {
    const auto fault = GENERATE(
        Fault::drop, Fault::lose_answer, Fault::duplicate, Fault::late, Fault::hang, Fault::not_json
    );
    Bar bar;
    bar.file.pour_many(1'700);
    bar.central.faults = {fault, Fault::none, fault, fault, Fault::none, Fault::drop, fault};
    bar.start();
    bar.run(90s, 50ms);
    CHECK(bar.all_stored_once());
    CHECK(bar.file.count("confirmed") == 1'700);
    CHECK(bar.state() == SyncState::idle);
}

TEST_CASE("Syncer: with central dead every new row is held within 2.25 s, later ones at once") {
    Bar bar;
    bar.central.always = Fault::hang;
    bar.central.hello_fault = Fault::hang;
    bar.pour();
    bar.start();
    bar.run(2'010ms);
    CHECK(bar.file.count("held") == 1);
    bar.run(20s);
    REQUIRE(bar.state() == SyncState::away);
    bar.pour();
    bar.run(210ms);
    CHECK(bar.file.count("held") == 2);
}

TEST_CASE("Syncer: a large backlog is held in bounded bites while central is silent") {
    Bar bar;
    bar.central.always = Fault::hang;
    bar.file.pour_many(1'999);
    bar.start();
    bar.run(2'500ms);
    CHECK(bar.file.count("held") == 1'999);
    CHECK(bar.file.longest_mark == 500);
}

TEST_CASE("Syncer: tap_gate ack leaves rows new until they are acked") {
    auto with = options();
    with.upkeep.custody.enabled = false;
    Bar bar(with);
    bar.central.always = Fault::drop;
    bar.file.pour();
    bar.start();
    bar.run(10s);
    CHECK(bar.file.count("new") == 1);
}

TEST_CASE("Syncer: steady pours that are acked in time are never marked held") {
    Bar bar;
    bar.start();
    for (int i = 0; i < 100; ++i) {
        bar.pour();
        bar.run(100ms);
    }
    bar.run(3s);
    CHECK(bar.file.mark_calls == 0);
    CHECK(bar.file.count("confirmed") == 100);
}

TEST_CASE("Syncer: a hold stops sending, keeps the tap going and ends by itself") {
    Bar bar;
    bar.central.directives.hold = true;
    bar.central.directives.hold_reason = "maintenance";
    bar.central.directives.heartbeat_s = 5;
    bar.start();
    bar.pour();
    bar.run(300ms);
    CHECK(bar.state() == SyncState::held);
    CHECK(bar.central.batches.empty());
    CHECK(bar.file.count("held") == 1);
    bar.central.directives.hold = false;
    bar.run(6s);
    CHECK(bar.file.count("confirmed") == 1);
}

TEST_CASE("Syncer: 503 waits at least as long as Retry-After says") {
    Bar bar;
    bar.central.refusal = problem(503, "overloaded", "retry");
    bar.central.refusal.retry_after = 3s;
    bar.central.faults = {Fault::refuse};
    bar.start();
    bar.pour();
    bar.run(2'900ms);
    CHECK(bar.central.batches.empty());
    bar.run(2s);
    CHECK(bar.all_stored_once());
    CHECK(bar.central.hellos.size() == 1);
}

TEST_CASE("Syncer: 413 halves the batch until it fits") {
    Bar bar;
    bar.central.largest_batch = 60;
    bar.file.pour_many(500);
    bar.start();
    bar.run(5s);
    CHECK(bar.all_stored_once());
    for (const auto& batch : bar.central.batches) {
        CHECK(batch.rows.size() <= 60);
    }
}

TEST_CASE("Syncer: a row that even alone is refused stops with a message and doesn't spin") {
    Bar bar;
    bar.central.largest_batch = 0;
    bar.start();
    bar.pour();
    bar.run(5s);
    CHECK(bar.state() == SyncState::waiting);
    CHECK(bar.central.hellos.size() == 1);
}

TEST_CASE("Syncer: a restored centre gets its rows again") {
    Bar bar;
    bar.start();
    bar.pour(10);
    REQUIRE(bar.central.cursor == 10);
    tapline::test::MemoryJournal file(bar.file);
    bar.central.cursor = 4;
    bar.central.hash = *file.hash_at(4);
    for (tapline::Seq seq = 5; seq <= 10; ++seq) {
        bar.central.stored.erase(seq);
    }
    bar.pour();
    bar.run(2s);
    CHECK(bar.all_stored_once());
    CHECK(bar.file.identity.acked_through == 11);
}

TEST_CASE("Syncer: a cursor that is ahead is taken when the hash is the same") {
    Bar bar;
    bar.file.pour_many(10);
    tapline::test::MemoryJournal file(bar.file);
    bar.central.cursor = 7;
    bar.central.hash = *file.hash_at(7);
    bar.start();
    CHECK(bar.central.batches.at(0).first_seq == 8);
    CHECK(bar.file.identity.acked_through == 10);
}

TEST_CASE(
    "Syncer: another history is a fork: nothing is sent, the tap goes on, hello is said slowly"
) {
    Bar bar;
    bar.file.pour_many(3);
    SECTION("another hash") {
        bar.central.cursor = 2;
        bar.central.hash = tapline::sha256("another card");
    }
    SECTION("central knows more rows than the journal has") {
        bar.central.cursor = 9;
        bar.central.hash = tapline::sha256("rows that this card lost");
    }
    bar.start();
    bar.run(300ms);
    CHECK(bar.state() == SyncState::fork);
    CHECK(bar.central.batches.empty());
    CHECK(bar.file.count("held") == 3);
    bar.run(59s);
    CHECK(bar.central.hellos.size() == 1);
    bar.run(2s);
    CHECK(bar.central.hellos.size() == 2);
}

TEST_CASE("Syncer: what an operator has to decide is polled slowly and shown") {
    const auto [action, state] = GENERATE(table<std::string, SyncState>(
        {{"wait", SyncState::waiting}, {"upgrade", SyncState::upgrade}, {"fork", SyncState::fork}}
    ));
    Bar bar;
    bar.central.refusal = problem(403, "some_code", action);
    bar.central.hello_fault = Fault::refuse;
    bar.start();
    bar.pour();
    bar.run(1s);
    CHECK(bar.state() == state);
    CHECK(bar.syncer.status().last_error.find("some_code") != std::string::npos);
    bar.central.hello_fault = Fault::none;
    bar.run(61s, 100ms);
    CHECK(bar.state() == SyncState::idle);
    CHECK(bar.all_stored_once());
    CHECK(bar.syncer.status().last_error.empty());
}

TEST_CASE("Syncer: a journal that isn't adopted yet is waited for") {
    Bar bar;
    bar.file.open_failure.emplace(
        tapline::ErrorKind::refused, "not_adopted", "not adopted", "adopt it"
    );
    bar.start();
    bar.run(11s, 100ms);
    CHECK(bar.state() == SyncState::not_adopted);
    bar.file.open_failure.reset();
    bar.pour();
    bar.run(6s, 100ms);
    CHECK(bar.all_stored_once());
}

TEST_CASE("Syncer: a full disk doesn't stop the pours that can still be read") {
    Bar bar;
    bar.start();
    bar.file.write_failure.emplace(
        tapline::ErrorKind::storage_full, "disk_full", "disk full", "make room"
    );
    bar.pour(1'200);
    bar.run(5s);
    CHECK(bar.all_stored_once());
    CHECK(bar.file.identity.acked_through == 0);
    CHECK(bar.syncer.status().last_error == "disk full");
    bar.file.write_failure.reset();
    bar.run(61s, 100ms);
    CHECK(bar.file.identity.acked_through == 1'200);
    CHECK(bar.file.count("confirmed") == 1'200);
}

TEST_CASE("Syncer: a damaged file is closed, shown and tried again") {
    Bar bar;
    bar.start();
    bar.file.write_failure.emplace(
        tapline::ErrorKind::storage_corrupt, "corrupt", "malformed", "doctor"
    );
    bar.pour();
    bar.run(100ms);
    CHECK(bar.state() == SyncState::storage_error);
    bar.file.write_failure.reset();
    bar.run(10s);
    CHECK(bar.state() == SyncState::idle);
    CHECK(bar.all_stored_once());
    CHECK(bar.file.opens >= 2);
}

TEST_CASE("Syncer: a swapped file is opened anew") {
    Bar bar;
    bar.start();
    bar.pour();
    bar.syncer.swapped();
    bar.turn();
    CHECK(bar.file.opens == 2);
    bar.pour();
    CHECK(bar.all_stored_once());
}

TEST_CASE("Syncer: five quiet seconds bring one checkpoint, and then nothing is written any more") {
    Bar bar;
    bar.start();
    bar.pour();
    bar.run(4'900ms);
    CHECK(bar.file.checkpoints == 0);
    bar.run(300ms);
    CHECK(bar.file.checkpoints == 1);
    const auto writes = bar.file.writes;
    bar.run(10min, 1s);
    CHECK(bar.file.checkpoints == 1);
    CHECK(bar.file.writes == writes);
}

TEST_CASE("Syncer: settled rows of long ago are looked at bit by bit, after each start once") {
    Bar bar;
    bar.file.heals_needed = 4;
    bar.start();
    bar.run(50ms);
    CHECK(bar.file.heal_calls == 0);
    bar.run(2s);
    CHECK(bar.file.heal_calls == 4);
    bar.run(1h, 1s);
    CHECK(bar.file.heal_calls == 4);
}

TEST_CASE("Syncer: a WAL over 250 pages is brought back while the tap is busy") {
    Bar bar;
    bar.start();
    for (int i = 0; i < 100; ++i) {
        bar.pour();
        bar.run(20ms);
    }
    CHECK(bar.file.checkpoints >= 1);
    CHECK(bar.file.wal_pages < 400);
}

TEST_CASE("Syncer: a backlog that takes minutes doesn't keep it from saying hello") {
    Bar bar;
    bar.central.directives.heartbeat_s = 60;
    bar.central.always = Fault::late;  // 1.5 s for each batch
    bar.file.pour_many(500 * 200);
    bar.start();
    bar.run(240s);
    CHECK(bar.file.identity.acked_through > 0);
    CHECK(bar.file.identity.acked_through < 100'000);
    CHECK(bar.central.hellos.size() >= 4);
}

TEST_CASE("Syncer: while idle it says hello once a heartbeat and only its three loops sleep") {
    Bar bar;
    bar.central.directives.heartbeat_s = 60;
    bar.start();
    bar.run(70s, 100ms);
    const auto hellos = bar.central.hellos.size();
    bar.run(10min, 1s);
    CHECK(bar.central.hellos.size() == hellos + 10);
    CHECK(bar.clock.sleepers() == 3);
}

TEST_CASE("Syncer: boot and steps of the clock are noted with the row they came after") {
    Bar bar;
    bar.start();
    REQUIRE(bar.file.boots.size() == 1);
    CHECK(bar.file.boots.at(0).first_seq == 1);
    bar.pour(3);
    bar.clock.step(30min);
    bar.syncer.wake();
    bar.turn();
    REQUIRE(bar.file.boots.size() == 2);
    REQUIRE(bar.file.boots.at(1).steps.size() == 1);
    CHECK(bar.file.boots.at(1).steps.at(0).after_seq == 3);
    CHECK(bar.file.boots.at(1).steps.at(0).delta_ms == 1'800'000);
    bar.pour();
    CHECK(bar.file.boots.size() == 2);
}

TEST_CASE("Syncer: stop finishes the batch on the wire, writes its marks and checkpoints") {
    Bar bar;
    bar.central.faults = {Fault::late};
    bar.start();
    bar.pour();
    bar.syncer.stop();
    bar.run(2s);
    CHECK(bar.ended);
    CHECK(bar.file.count("confirmed") == 1);
    CHECK(bar.file.checkpoints == 1);
}

namespace {

/// What the syncer asked of its raising, and a file that takes the revision it is raised to.
struct Ladder {
    tapline::test::MemoryFile* file = nullptr;
    std::vector<std::string> runs;
    std::vector<std::string> remembered;
    std::optional<tapline::Error> failure;

    [[nodiscard]] tapline::sync::SyncOptions options_with(boost::asio::any_io_executor thread) {
        auto made = options();
        made.raising.target = [](const std::string& current, const std::string& central) {
            return current == "j0001" && central == "t2" ? std::string("j0002") : std::string();
        };
        made.raising.remember = [this](const std::string& central, const std::string& minimum) {
            remembered.push_back(central + " " + minimum);
        };
        made.raising.run = [this](const std::string& target) {
            runs.push_back(target);
            if (failure) {
                throw tapline::Error(*failure);
            }
            file->identity.revision = target;
        };
        made.raising.thread = std::move(thread);
        made.raising.again_after = 10min;
        return made;
    }
};

}  // namespace

TEST_CASE("Syncer: the journal is raised once central is ready, while closed, and sends on") {
    Ladder ladder;
    boost::asio::io_context elsewhere;
    Bar bar(ladder.options_with(elsewhere.get_executor()));
    ladder.file = &bar.file;
    bar.central.revision = "t1";
    bar.start();
    bar.pour(2);
    CHECK(ladder.runs.empty());
    bar.central.revision = "t2";
    bar.central.journal_minimum = "j0001";
    bar.run(61s, 100ms);
    CHECK(bar.state() != SyncState::storage_error);
    elsewhere.restart();
    elsewhere.poll();
    bar.turn();
    CHECK(ladder.runs == std::vector<std::string>{"j0002"});
    CHECK(bar.syncer.status().revision == "j0002");
    CHECK(bar.central.hellos.back().revision == "j0002");
    CHECK(ladder.remembered.front() == "t1 ");
    CHECK(ladder.remembered.back() == "t2 j0001");
    bar.pour();
    CHECK(bar.all_stored_once());
    CHECK(ladder.runs.size() == 1);
}

TEST_CASE("Syncer: a raise that fails is tried again later, and the old shape is served on") {
    Ladder ladder;
    boost::asio::io_context elsewhere;
    Bar bar(ladder.options_with(elsewhere.get_executor()));
    ladder.file = &bar.file;
    ladder.failure =
        tapline::Error(tapline::ErrorKind::storage_busy, "too_slow", "the tap is busy", "wait");
    bar.central.revision = "t2";
    const auto through = [&](std::chrono::milliseconds duration) {
        for (auto passed = 0ms; passed < duration; passed += 1s) {
            bar.run(1s, 500ms);
            elsewhere.restart();
            elsewhere.poll();
            bar.turn();
        }
    };
    bar.start();
    through(5min);
    CHECK(ladder.runs.size() == 1);
    bar.pour();
    CHECK(bar.all_stored_once());
    CHECK(bar.syncer.status().revision == "j0001");
    ladder.failure.reset();
    through(10min);
    CHECK(ladder.runs.size() == 2);
    CHECK(bar.syncer.status().revision == "j0002");
}

TEST_CASE("Syncer: a journal that is refused for its age is raised, and then served") {
    Ladder ladder;
    boost::asio::io_context elsewhere;
    Bar bar(ladder.options_with(elsewhere.get_executor()));
    ladder.file = &bar.file;
    bar.central.refusal = problem(426, "journal_too_old", "upgrade");
    bar.central.refusal.central_revision = "t2";
    bar.central.refusal.journal_minimum = "j0002";
    bar.central.hello_fault = Fault::refuse;
    bar.start();
    bar.central.hello_fault = Fault::none;
    bar.pour();
    elsewhere.restart();
    elsewhere.poll();
    bar.turn();
    CHECK(ladder.runs == std::vector<std::string>{"j0002"});
    CHECK(ladder.remembered == std::vector<std::string>{"t2 j0002", " "});
    CHECK(bar.state() == SyncState::idle);
    CHECK(bar.all_stored_once());
}

TEST_CASE("Syncer: what to install is central's word, and what the technician is told") {
    Bar bar;
    bar.central.refusal = problem(426, "journal_too_old", "upgrade");
    bar.central.refusal.detail =
        "the journal is at j0001: install tapline-agent 0.2.0 or later here";
    bar.central.hello_fault = Fault::refuse;
    bar.start();
    CHECK(bar.state() == SyncState::upgrade);
    CHECK(bar.syncer.status().last_error.find("426 journal_too_old") != std::string::npos);
    CHECK(bar.syncer.status().hint == bar.central.refusal.detail);
}
