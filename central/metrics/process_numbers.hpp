// This process, as /proc tells it.
#pragma once

#include <cstdint>

namespace tapline::metrics {

struct ProcessNumbers {
    std::int64_t resident_bytes = 0;
    std::int64_t open_files = 0;
};

/// Zeroes where /proc can't be read.
[[nodiscard]] ProcessNumbers read_process_numbers() noexcept;

}  // namespace tapline::metrics
