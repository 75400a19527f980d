// The version of both programs, from CMakeLists.txt.
#pragma once

#include <string_view>

namespace tapline {

inline constexpr std::string_view version = TAPLINE_VERSION;

}  // namespace tapline
