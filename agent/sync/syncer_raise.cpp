// The part of the syncer that raises its journal once central is ready for the next revision.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/sync/syncer.hpp"
#include "common/log.hpp"
#include "common/run_on.hpp"

namespace asio = boost::asio;

namespace tapline::sync {

asio::awaitable<void> Syncer::heed(std::string central, std::string minimum) {
    const Raising& raising = options_.raising;
    if (!raising.run) {
        co_return;
    }
    auto work = [&raising, central, minimum](journal::Journal&) {
        raising.remember(central, minimum);
    };
    auto remembering = store_.with(work);
    co_await std::move(remembering);
    const bool may_try = !raise_not_before_ || clock_.now_mono() >= *raise_not_before_;
    std::string target = raising.target(status_.revision, central);
    if (target.empty() || !may_try || stopping_) {
        co_return;
    }
    auto going_up = raise(std::move(target));
    co_await std::move(going_up);
}

/// Whatever comes of it, the journal is opened again and says hello as what it is then.
asio::awaitable<void> Syncer::raise(std::string target) {
    auto writing = write_down();
    co_await std::move(writing);
    spdlog::info("{}: {} -> {}, central is ready", options_.file, status_.revision, target);
    upkeep_.closed();
    open_ = false;
    hello_due_ = true;
    unwritten_.reset();
    auto closing = store_.close();
    co_await std::move(closing);
    progress_.step("raise the journal", options_.raising.limit);
    std::optional<Error> failure;
    try {
        const Raising& raising = options_.raising;
        auto job = [&raising, target] { raising.run(target); };
        auto running = run_on(raising.thread, job);
        co_await std::move(running);
    } catch (const Error& caught) {
        failure = caught;
    }
    if (failure) {
        // The old shape is served on; a tap that is busy now may be quiet in an hour.
        raise_not_before_ = clock_.now_mono() + options_.raising.again_after;
        complain(status_.state, *failure);
    }
}

}  // namespace tapline::sync
