// The running agent: wires journals, syncers, transports and the outside world together.
#pragma once

#include <functional>

#include "agent/service/settings.hpp"

namespace tapline::service {

/// Reads the settings again, as they were read first. Throws Error{usage, ...}.
using LoadSettings = std::function<Settings()>;

/// Serves until SIGTERM or SIGINT; then what is on the wire is finished, the journals are
/// checkpointed and closed, for 5 s at most in all (docs/service.md). SIGHUP takes the settings
/// that `load` finds then, or keeps the old ones. 0, or throws Error for what keeps it from
/// starting.
int run(const LoadSettings& load, const Environment& environment);

}  // namespace tapline::service
