// Revisions that wait for the fleet: `Phase: contract` with `Requires Journal` (central/compat).
#pragma once

#include <optional>
#include <vector>

#include "central/compat/contract.hpp"
#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"
#include "common/revision/plan.hpp"

namespace tapline::revision {

/// nullopt: it waits for nobody.
[[nodiscard]] std::optional<compat::Contract> contract_of(
    LineageName lineage, const Revision& revision
);

/// Before the first step, so that a fleet that is behind stops everything and not half of it. Asked
/// again, under the lock, in the contract's own transaction.
void check_contracts(
    pg::Session& session, const LineageSet& set, const std::vector<PartStep>& steps
);

/// Every applied contract has its minimum written down, also one that was stamped or ran before
/// tapline's own tables were there.
void note_minimums(pg::Session& session, const LineageSet& set, const AppliedHeads& heads);

/// For a stamp: what isn't applied any more has fixed nothing. Not for a run, whose half-done
/// contract isn't applied yet and counts all the same.
void forget_minimums(pg::Session& session, const LineageSet& set, const AppliedHeads& heads);

/// Throws Error{usage, "not_in_a_script"}: a script can't ask the fleet.
void refuse_gated(LineageName lineage, const Revision& revision, Direction direction);

}  // namespace tapline::revision
