// Percentiles of a run's COMMITs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tapline::tap_sim {

class Latency {
  public:
    using Clock = std::chrono::steady_clock;

    /// Samples beyond 4 million are only counted.
    void add(Clock::duration taken);
    /// {"n":…,"p50_us":…,"p99_us":…,"p99_9_us":…,"max_us":…}
    [[nodiscard]] std::string json() const;

  private:
    static constexpr std::size_t max_samples = 4'000'000;

    std::vector<std::uint32_t> samples_us_;
    std::size_t count_ = 0;
    std::int64_t max_us_ = 0;
};

}  // namespace tapline::tap_sim
