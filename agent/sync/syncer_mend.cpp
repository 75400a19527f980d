// The part of the syncer that looks for damage and has it mended (docs/salvage.md).
#include <algorithm>

#include <spdlog/spdlog.h>

#include "agent/sync/syncer.hpp"
#include "common/log.hpp"
#include "common/run_on.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::sync {

namespace {

constexpr std::chrono::milliseconds forever = 24h;

}  // namespace

asio::awaitable<void> Syncer::run_checks() {
    while (!stopping_) {
        const auto now = clock_.now_mono();
        if (!open_ || !options_.mending.check || now < check_at_) {
            auto pause = forever;
            if (now < check_at_) {
                pause = std::min(pause, check_at_ - now);
            }
            auto waiting = check_.wait(pause);
            static_cast<void>(co_await std::move(waiting));
            continue;
        }
        check_at_ = now + options_.mending.check_period;
        const auto next = check_at_;
        std::string found;
        try {
            auto job = [&mending = options_.mending] { return mending.check(); };
            auto checking = run_on(options_.mending.thread, job);
            found = co_await std::move(checking);
        } catch (const Error& failure) {
            // The rounds meet the same trouble and report it.
            spdlog::debug("{}: no check: {}", options_.file, printable(failure.what()));
        }
        // Another opening asks for a check of its own.
        if (!found.empty() && open_ && check_at_ == next) {
            damage_ = found;
            rows_.notify();
        }
    }
}

/// Pours wait in the file meanwhile: what SQLite can still read of it may leave some out.
asio::awaitable<void> Syncer::mend(Error damage) {
    complain(SyncState::damaged, mend_failure_.value_or(damage));
    progress_.step("mend the journal", options_.mending.limit);
    open_ = false;
    hello_due_ = true;
    unwritten_.reset();
    damage_.clear();
    upkeep_.closed();
    auto closing = store_.close();
    co_await std::move(closing);
    const auto now = clock_.now_mono();
    const bool may_try = options_.mending.run && (!mend_not_before_ || now >= *mend_not_before_);
    if (may_try) {
        mend_failure_.reset();
        mend_not_before_ = now + options_.mending.again_after;
        try {
            auto job = [&mending = options_.mending] { return mending.run(); };
            auto running = run_on(options_.mending.thread, job);
            const std::string done = co_await std::move(running);
            spdlog::warn("{}: {}", options_.file, printable(done));
        } catch (const Error& caught) {
            mend_failure_ = caught;
        }
        if (!mend_failure_) {
            co_return;
        }
        complain(SyncState::damaged, *mend_failure_);
    }
    auto resting = pause(storage_backoff_.next());
    co_await std::move(resting);
}

}  // namespace tapline::sync
