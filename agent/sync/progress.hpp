// Whether a loop still moves: before each wait it says by when it will come by again.
#pragma once

#include <chrono>
#include <optional>

#include "common/clock.hpp"

namespace tapline::sync {

/// What a step may take beside its own wait: a busy machine, other journals' turns.
inline constexpr std::chrono::milliseconds step_slack{10'000};
/// One job on the disk, with the jobs of other journals before it. A thread that really hangs there
/// is noticed sooner (service.hpp, watchdog).
inline constexpr std::chrono::milliseconds disk_limit{120'000};

/// On the loop's own executor; nothing is locked.
class Progress {
  public:
    explicit Progress(const Clock& clock) : clock_(clock) {}

    /// at: what the loop does now, a text that lives as long as the program.
    void step(const char* at, std::chrono::milliseconds within) {
        at_ = at;
        due_ = clock_.now_mono() + within + step_slack;
    }

    void ended() noexcept { due_.reset(); }

    /// True when the loop hasn't come by in the time that it gave itself.
    [[nodiscard]] bool late() const { return due_ && clock_.now_mono() > *due_; }

    [[nodiscard]] const char* at() const noexcept { return at_; }

  private:
    const Clock& clock_;
    const char* at_ = "start";
    std::optional<MonoTime> due_;
};

}  // namespace tapline::sync
