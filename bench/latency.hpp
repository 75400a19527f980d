// Latency: from the moment at which the writer's COMMIT returned until the pour can be read in
// PostgreSQL, on a system that has nothing else to do.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct LatencyOptions {
    int pours = 500;
    double rate = 5;
};

[[nodiscard]] nlohmann::ordered_json measure_latency(const Lab& lab, const LatencyOptions& options);

}  // namespace tapline::bench
