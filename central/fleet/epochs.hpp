// A journal whose past differs from central's gets a new epoch: a cursor of its own, from the last
// pour that both have in common (docs/forks.md).
#pragma once

#include <string>
#include <variant>

#include "central/pg/session.hpp"
#include "common/wire.hpp"

namespace tapline::fleet {

/// Of one journal within an hour, by policy; a device that forks more often is broken.
inline constexpr std::int64_t max_grants_per_hour = 12;

/// A Problem here: bad_request (400), not_yours (403), unknown_journal (409, resync), two_alive,
/// another_alive, not_chosen, too_many_epochs (409, wait).
using EpochOutcome = std::variant<wire::EpochGrant, wire::Problem>;

/// Blocks: one short transaction. controller: who the connection says it is. The same device that
/// asks again from the same epoch gets the same one until it has said hello in it. The grant's hash
/// is one of the asker's own points, so its journal can go on there. Throws Error{pg |
/// unreachable}.
[[nodiscard]] EpochOutcome ask_epoch(
    pg::Session& session,
    const std::string& controller,
    const std::string& journal_id,
    const wire::EpochRequest& request
);

}  // namespace tapline::fleet
