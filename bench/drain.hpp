// Drain: how fast a backlog reaches PostgreSQL through agents and central, beside what PostgreSQL
// takes from one bare session.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct DrainOptions {
    std::int64_t rows = 200'000;
    int journals = 50;
    int agents = 4;
    int rounds = 3;
};

/// Every round runs both sides, each in a database of its own, in alternating order.
[[nodiscard]] nlohmann::ordered_json measure_drain(const Lab& lab, const DrainOptions& options);

/// Rows per second of one run of tapline's side alone; `round` tells its database from others.
[[nodiscard]] double drain_once(const Lab& lab, const DrainOptions& options, int round);

}  // namespace tapline::bench
