// How many came in each second, and the busiest stretch of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "common/clock.hpp"

namespace tapline::test {

class Arrivals {
  public:
    void add(MonoTime now) { ++by_second_[now.time_since_epoch() / std::chrono::seconds(1)]; }

    /// Per second, over the busiest `seconds` in a row.
    [[nodiscard]] double peak_over(std::int64_t seconds) const {
        std::int64_t most = 0;
        for (const auto& [second, ignored] : by_second_) {
            std::int64_t sum = 0;
            for (auto at = by_second_.lower_bound(second);
                 at != by_second_.end() && at->first < second + seconds;
                 ++at) {
                sum += at->second;
            }
            most = std::max(most, sum);
        }
        return static_cast<double>(most) / static_cast<double>(seconds);
    }

  private:
    std::map<std::int64_t, std::int64_t> by_second_;
};

}  // namespace tapline::test
