// What hello does about the device that shows a journal: writes it down, and stops it when an
// operator decided for another one or when two are alive at once.
#pragma once

#include <optional>
#include <string>

#include "central/pg/session.hpp"
#include "common/wire.hpp"

namespace tapline::fleet {

/// epoch_closed (the agent asks for an epoch) or two_alive (it waits); nullopt: it goes on, and a
/// grant of its epoch is taken. The caller's transaction holds the journal's row.
[[nodiscard]] std::optional<wire::Problem> check_side(
    pg::Session& session, const std::string& controller, const wire::Hello& hello
);

/// A controller that shows another one's journal: `controllers forks` lists it.
void note_foreign(pg::Session& session, const std::string& controller, const wire::Hello& hello);

}  // namespace tapline::fleet
