#include "central/revision/lock_retry.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::revision {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds first_pause{200};
constexpr milliseconds max_pause{5'000};

}  // namespace

milliseconds jittered(milliseconds base) {
    static thread_local std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> part(base.count() / 2, base.count());
    return milliseconds(part(random));
}

void stop_if_asked(const RunOptions& options, const std::string& what) {
    if (options.stop != nullptr && *options.stop) {
        throw Error(
            ErrorKind::refused,
            "stopped",
            fmt::format("{} was stopped as asked", what),
            "what was committed stays, the rest was rolled back; the same command goes on from "
            "there"
        );
    }
}

void LockRetry::run(const std::string& what, const std::function<void()>& attempt) {
    const auto begin = steady_clock::now();
    milliseconds pause = first_pause;
    for (auto blockers = blocked(attempt); blockers; blockers = blocked(attempt)) {
        if (steady_clock::now() - begin > options_.table_lock_wait) {
            throw Error(
                ErrorKind::unreachable,
                "table_locked",
                fmt::format("{} waits for a lock held by {}", what, *blockers),
                "it was rolled back; end that session or choose a quieter hour"
            );
        }
        stop_if_asked(options_, what);
        const milliseconds wait = jittered(pause);
        if (options_.say) {
            options_.say(
                fmt::format("  a lock is held by {}; next try in {} ms", *blockers, wait.count())
            );
        }
        std::this_thread::sleep_for(wait);
        pause = std::min(pause * 2, max_pause);
    }
}

/// nullopt: it is done. Else who held the lock that it waited for.
std::optional<std::string> LockRetry::blocked(const std::function<void()>& attempt) {
    watch_.begin();
    try {
        attempt();
        watch_.end();
        return std::nullopt;
    } catch (const Error& error) {
        const std::string seen = watch_.last_seen();
        watch_.end();
        if (error.code() != "lock_timeout") {
            throw;
        }
        return seen.empty() ? "somebody who is gone again" : seen;
    }
}

}  // namespace tapline::revision
