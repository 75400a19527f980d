// Writer: what the tap's own program feels of the agent: its COMMITs and its BUSYs, with and
// without.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct WriterOptions {
    int seconds = 20;  ///< of each run
    int rounds = 2;    ///< runs per side and kind of writer, in alternating order
};

[[nodiscard]] nlohmann::ordered_json measure_writer(const Lab& lab, const WriterOptions& options);

}  // namespace tapline::bench
