// The tap's own program, imitated by tapline-tap-sim.
#pragma once

#include <filesystem>
#include <string>

#include "bench/lab/lab.hpp"

namespace tapline::bench {

struct TapOptions {
    std::filesystem::path journal;
    bool persistent = false;  ///< else a connection per operation, as in the field
    double rate = 0;          ///< pours per second; 0 is full speed
    std::int64_t count = 0;   ///< pours; 0: `seconds` says when it ends
    int seconds = 0;
    std::filesystem::path report;  ///< latencies go here
    std::uint64_t seed = 1;
};

[[nodiscard]] Command tap_command(const Lab& lab, const TapOptions& options);

/// Until central has heard of that many journals. Throws Error{unreachable, "timed_out"}.
void wait_registered(PgConnection& connection, std::int64_t journals);

}  // namespace tapline::bench
