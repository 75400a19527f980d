// How long a controller can keep pours while nobody takes them. Pure.
#pragma once

#include <cstdint>

namespace tapline::hold {

/// A pour in the journal, its index entries and its pages in the WAL; measured 18 KB per paced pour
/// of the agent and less than that of the tap's own program, rounded up.
inline constexpr std::int64_t bytes_per_pour = 32 * 1024;
/// What SQLite and the rest of the system need to stay alive.
inline constexpr std::int64_t reserved_bytes = 64LL * 1024 * 1024;

/// busiest_hour: the most pours of one hour that central has seen of the journal; 0: none yet, then
/// one a minute is taken. free_bytes: as last reported.
/// 0 or less is no time; a caller that takes 0 for unknown doesn't ask.
[[nodiscard]] std::int64_t buffer_seconds(std::int64_t free_bytes, std::int64_t busiest_hour);

}  // namespace tapline::hold
