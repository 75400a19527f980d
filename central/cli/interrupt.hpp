// Ctrl-C and SIGTERM for verbs that work in steps: the first one asks, a second one ends at once.
#pragma once

#include <atomic>

namespace tapline::cli {

/// Installs the handlers at the first call. True once one of the signals came.
[[nodiscard]] const std::atomic<bool>& stop_requested();

}  // namespace tapline::cli
