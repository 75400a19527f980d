// Whether the server that the tap's program talks to is there.
#pragma once

#include <chrono>

#include "agent/doctor/tap_program.hpp"

namespace tapline::handover {

/// It takes a connection within the limit; nothing is sent. The look-up of its name comes on top
/// and has the resolver's own limit.
[[nodiscard]] bool takes_connections(
    const doctor::ServerAddress& server, std::chrono::milliseconds limit
);

}  // namespace tapline::handover
