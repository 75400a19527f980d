// What central answers to an agent that says who it is and where its journal stands.
#pragma once

#include <string>
#include <variant>

#include "central/pg/session.hpp"
#include "common/wire.hpp"

namespace tapline::fleet {

/// A Problem here: upgrade_required, journal_too_old, journal_too_new (426), being_changed (503: a
/// contract is being applied), bad_hello (400), not_yours (403), unknown_epoch, epoch_closed (409),
/// two_alive (409: two devices show this journal at once), fork (409: the journal ends before
/// central's cursor, or its chain differs).
using HelloOutcome = std::variant<wire::HelloReply, wire::Problem>;

/// Blocks: one short transaction. Registers a controller and a journal that are new, notes what the
/// agent reports, and tells the cursor, releases and directives. controller: who the connection
/// says it is. Throws Error{pg | unreachable}; saying hello again is always safe.
[[nodiscard]] HelloOutcome hello(
    pg::Session& session, const std::string& controller, const wire::Hello& hello
);

}  // namespace tapline::fleet
