// What is said to a device that can't be served as it is: `title` is what is wrong, `detail` what
// to install. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "central/compat/verdict.hpp"
#include "common/wire.hpp"

namespace tapline::compat {

/// What the words need besides the verdict; empty where it isn't known.
struct Terms {
    std::string revision;  ///< of the journal or the batch
    int agent_min = wire::protocol_version;
    int agent_max = wire::protocol_version;
    std::int64_t window_min = wire::protocol_version;
    std::int64_t window_max = wire::protocol_version;
    std::string window_agent;   ///< first agent that speaks window_min
    std::string minimum;        ///< journal revision that contracts have fixed
    std::string minimum_agent;  ///< first agent that has it
    std::string newest;         ///< journal revision that central can settle
};

/// 426 for the three refuse_*.
[[nodiscard]] wire::Problem refusal(Verdict verdict, const Terms& terms);

/// Code and detail of a quarantined row, for the two keep_*.
[[nodiscard]] Rejection reason_to_keep(Verdict verdict, const Terms& terms);

}  // namespace tapline::compat
