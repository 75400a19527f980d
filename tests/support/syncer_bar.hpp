// One journal, one syncer, one central behind the Transport seam, under a clock that the test
// moves.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "agent/sync/syncer.hpp"
#include "tests/support/fake_central.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/memory_journal.hpp"

namespace tapline::test {

using namespace std::chrono_literals;
using sync::SyncState;

inline sync::SyncOptions options() {
    sync::SyncOptions options;
    options.file = "journal.db";
    options.controller = "tap-1";
    options.agent_version = "test";
    options.backoff = BackoffLimits{100ms, 1s, 100ms};
    options.request_deadline = 10s;
    return options;
}

/// One journal, one syncer, one central; all on one thread under a clock that the test moves.
struct Bar {
    explicit Bar(sync::SyncOptions with = options())
        : store(
              io.get_executor(),
              [this]() -> std::unique_ptr<journal::Journal> {
                  if (file.open_failure) {
                      throw Error(*file.open_failure);
                  }
                  return std::make_unique<MemoryJournal>(file);
              }
          ),
          central(clock),
          syncer(std::move(with), sync::Syncer::Seams{clock, central, store}) {}

    ~Bar() {
        if (!ended) {
            syncer.stop();
            run(40s);
        }
        CHECK(ended);
    }

    void start() {
        boost::asio::co_spawn(io, syncer.run(), [this](std::exception_ptr failure) {
            ended = true;
            CHECK(failure == nullptr);
        });
        turn();
    }

    void turn() {
        for (int i = 0; i < 100'000; ++i) {
            io.restart();
            if (io.poll() == 0) {
                return;
            }
        }
        FAIL("the syncer never comes to rest");
    }

    void run(std::chrono::milliseconds duration, std::chrono::milliseconds step = 10ms) {
        for (auto passed = 0ms; passed < duration && !ended; passed += step) {
            clock.advance(step);
            turn();
        }
    }

    /// As the tap does it: a commit, then the watch's wake.
    void pour(int count = 1) {
        file.pour_many(count);
        syncer.wake();
        turn();
    }

    [[nodiscard]] bool all_stored_once() const {
        for (const auto& row : file.rows) {
            const auto found = central.stored.find(row.pour.seq);
            if (found == central.stored.end() || found->second != 1) {
                return false;
            }
        }
        return central.stored.size() == file.rows.size();
    }

    [[nodiscard]] SyncState state() const { return syncer.status().state; }

    boost::asio::io_context io;
    FakeClock clock;
    MemoryFile file;
    sync::Store store;
    FakeCentral central;
    sync::Syncer syncer;
    bool ended = false;
};

inline wire::Problem problem(int status, const std::string& code, const std::string& action) {
    wire::Problem problem;
    problem.status = status;
    problem.code = code;
    problem.action = action;
    problem.title = code;
    return problem;
}

}  // namespace tapline::test
