// Short waits for locks, again and again, with a report of who holds them: a long wait would make
// every client queue behind us.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "central/revision/blockers.hpp"
#include "central/revision/run_options.hpp"

namespace tapline::revision {

/// base/2 … base: so that two programs don't stay in step.
[[nodiscard]] std::chrono::milliseconds jittered(std::chrono::milliseconds base);

/// Throws Error{refused, "stopped"} once RunOptions::stop is set. what: for the message.
void stop_if_asked(const RunOptions& options, const std::string& what);

class LockRetry {
  public:
    /// Both must outlive it. watch: of the connection that tries.
    LockRetry(const RunOptions& options, BlockerWatch& watch) : options_(options), watch_(watch) {}

    /// Runs `attempt`, which must be repeatable as a whole, until it doesn't fail for a lock.
    /// what: for messages, "0004_add_index".
    /// Throws what attempt throws; Error{unreachable, "table_locked"} after table_lock_wait.
    void run(const std::string& what, const std::function<void()>& attempt);

  private:
    [[nodiscard]] std::optional<std::string> blocked(const std::function<void()>& attempt);

    const RunOptions& options_;
    BlockerWatch& watch_;
};

}  // namespace tapline::revision
