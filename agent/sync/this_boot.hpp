// What the kernel says of this boot. Beside the Clock, because only the agent asks.
#pragma once

#include <functional>
#include <string>

#include "common/clock.hpp"

namespace tapline::sync {

/// Both are set; tests have boots of their own.
struct ThisBoot {
    /// Tells which times of the wall clock may be compared with each other.
    std::function<std::string()> id = [] { return boot_id(); };
    /// Somebody looks after the wall clock.
    std::function<bool()> synchronized = [] { return clock_synchronized(); };
};

}  // namespace tapline::sync
