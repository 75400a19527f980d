// The running agent: wires journals, syncers, transports and the outside world together.
#pragma once

#include "agent/service/settings.hpp"

namespace tapline::service {

/// Serves until SIGTERM or SIGINT; then what is on the wire is finished (for 5 s at most), the
/// journals are checkpointed and closed. 0, or throws Error for what keeps it from starting.
int run(const Settings& settings, const Environment& environment);

}  // namespace tapline::service
