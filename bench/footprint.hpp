// Footprint: what the agent costs the Pi that it lives on: memory, wake-ups, wear of the card.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct FootprintOptions {
    int seconds = 60;                  ///< of each period: idle, control, paced
    std::int64_t drain_rows = 20'000;  ///< backlog while memory is watched
};

[[nodiscard]] nlohmann::ordered_json measure_footprint(
    const Lab& lab, const FootprintOptions& options
);

}  // namespace tapline::bench
