#include "central/hold/buffer.hpp"

#include <algorithm>

namespace tapline::hold {

std::int64_t buffer_seconds(std::int64_t free_bytes, std::int64_t busiest_hour) {
    constexpr std::int64_t unknown_rate = 60;
    const std::int64_t usable = std::max<std::int64_t>(0, free_bytes - reserved_bytes);
    const std::int64_t per_hour = busiest_hour > 0 ? busiest_hour : unknown_rate;
    // A million pours an hour and 16 TB stay far from the limits of 64 bits.
    return usable / bytes_per_pour * 3'600 / std::min<std::int64_t>(per_hour, 1'000'000);
}

}  // namespace tapline::hold
