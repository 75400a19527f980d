// Members that more than one message has. Only the codec's own units include this.
#pragma once

#include <vector>

#include "common/wire.hpp"
#include "common/wire_json.hpp"

namespace tapline::wire {

[[nodiscard]] Json write(const Directives& directives);
[[nodiscard]] Json write(const ClockSample& clock);
[[nodiscard]] Json write(const std::vector<Released>& released);

/// A missing member (nullptr) reads as the defaults.
[[nodiscard]] Directives read_directives(const Json* json);
[[nodiscard]] ClockSample read_clock(const Json* json);
[[nodiscard]] Released read_released(const Json& json);

}  // namespace tapline::wire
