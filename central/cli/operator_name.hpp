// Who gives a command, for the logs.
#pragma once

#include <string>

namespace tapline::cli {

/// Behind sudo the person, not root. Call it before any thread is started.
[[nodiscard]] std::string operator_name();

}  // namespace tapline::cli
