// When to try again. Full jitter: the wait is uniform in [0, min(cap, base * 2^attempt)]
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace tapline {

struct BackoffLimits {
    std::chrono::milliseconds base{2'000};
    std::chrono::milliseconds cap{300'000};
    /// First retry of an agent with backlog after a session that worked: the whole fleet lost
    /// central at the same moment, so it comes back spread over this long.
    std::chrono::milliseconds first_spread{120'000};
};

class Backoff {
  public:
    Backoff(BackoffLimits limits, std::uint64_t seed) : limits_(limits), random_(seed) {}

    /// Call when a batch was acked; the next failure counts as the first one.
    void worked() noexcept;

    /// The wait before the next try. retry_after is the server's floor; jitter of up to half of it
    /// is added, so that a fleet told the same number doesn't return as one.
    [[nodiscard]] std::chrono::milliseconds next(std::chrono::milliseconds retry_after = {});

    [[nodiscard]] int attempts() const noexcept { return attempts_; }

  private:
    BackoffLimits limits_;
    std::mt19937_64 random_;
    int attempts_ = 0;
    bool had_session_ = false;
};

}  // namespace tapline
