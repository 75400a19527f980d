// Whether a device with a certificate of our authority may talk to central.
#pragma once

#include "central/fleet/caller.hpp"
#include "central/pg/session.hpp"

namespace tapline::fleet {

/// Blocks: one short transaction. A certificate that this database doesn't know comes from a time
/// that a backup lacks: it is written down, as valid where its key is known as that controller's,
/// else as pending. Throws Error{pg | unreachable}.
[[nodiscard]] Standing admit(pg::Session& session, const Caller& caller);

}  // namespace tapline::fleet
