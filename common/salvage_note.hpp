// The mark of a row that a salvage found damaged (docs/salvage.md): one more column on the wire,
// whose text says why. Central keeps such a row in quarantine, whatever else it holds.
#pragma once

#include <string_view>

namespace tapline {

inline constexpr std::string_view salvage_column = "salvage";
inline constexpr std::string_view salvaged_code = "salvaged";

}  // namespace tapline
