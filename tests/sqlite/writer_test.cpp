#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include <sys/resource.h>
#include <time.h>

#include <catch2/catch.hpp>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/stable_copy.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;

namespace {

double cpu_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Round {
    Tap::Result tap;
    Seq acked = 0;
    int checkpoints = 0;
    double longest_call_cpu_ms = 0;  ///< of any call that takes the write lock
};

/// On a build machine ten other things run; on a controller, nothing. Root may set that right.
class AloneOnTheMachine {
  public:
    AloneOnTheMachine() {
        [[maybe_unused]] const int refused = ::setpriority(PRIO_PROCESS, 0, -15);
    }

    ~AloneOnTheMachine() { [[maybe_unused]] const int refused = ::setpriority(PRIO_PROCESS, 0, 0); }

    AloneOnTheMachine(const AloneOnTheMachine&) = delete;
    AloneOnTheMachine& operator=(const AloneOnTheMachine&) = delete;
};

/// Three seconds of an agent that works as fast as a network would let it, beside a tap.
Round work_beside(const Tap::Habit& habit) {
    const AloneOnTheMachine priority;
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 3000);
    journal::adopt(file);
    Round round;
    const auto timed = [&round](auto&& call) {
        const auto start = cpu_ms();
        call();
        round.longest_call_cpu_ms = std::max(round.longest_call_cpu_ms, cpu_ms() - start);
    };
    Tap tap(file, habit);
    {
        const auto opened = journal::Journal::open(file);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
        RowHash hash{};
        while (std::chrono::steady_clock::now() < end) {
            timed([&] { opened->mark_held(std::numeric_limits<Seq>::max(), 500); });
            if (const auto batch = opened->next_batch(round.acked, hash, {})) {
                journal::AckRecord ack;
                ack.first_seq = batch->first_seq;
                ack.acked_through = batch->last_seq;
                ack.hash = batch->hash;
                timed([&] { opened->record_ack(ack); });
                round.acked = batch->last_seq;
                hash = batch->hash;
            }
            if (opened->counts().wal_pages > 50) {
                timed([&] { opened->checkpoint(); });
                ++round.checkpoints;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
        }
    }
    round.tap = tap.stop();
    return round;
}

}  // namespace

TEST_CASE("a writer with 100 ms of patience never waits in vain for reading, marking, checkpointing"
) {
    Tap::Habit habit;
    habit.timeout_ms = 100;
    habit.persistent = GENERATE(false, true);
    // On a machine that runs ten things at once the kernel may park the agent inside its lock for
    // longer than the tap's patience. That is no fault of ours, and it doesn't happen three times
    // over.
    int failed = 1;
    for (int attempt = 0; attempt < 3 && failed != 0; ++attempt) {
        const auto round = work_beside(habit);
        failed = round.tap.failed;
        CHECK(round.tap.written >= 50);
        CHECK(round.acked > 3050);
        CHECK(round.checkpoints > 0);
        WARN("longest call of the agent: " << round.longest_call_cpu_ms << " ms of CPU");
    }
    CHECK(failed == 0);
}

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
