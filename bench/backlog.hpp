// Backlog: what weeks without central cost: memory meanwhile, the start, and the way back to zero.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct BacklogOptions {
    std::int64_t rows = 1'000'000;      ///< in one journal
    std::int64_t short_rows = 50'000;   ///< of the journal it is compared with
    std::int64_t fleet_rows = 200'000;  ///< of the drain it is compared with: 50 journals, 4 agents
    int away_s = 60;                    ///< without central
};

[[nodiscard]] nlohmann::ordered_json measure_backlog(const Lab& lab, const BacklogOptions& options);

}  // namespace tapline::bench
