// What a verb's argument means to all lineages of the database together. Pure.
#pragma once

#include <string>
#include <vector>

#include "central/revision/lineage_set.hpp"
#include "common/revision/plan.hpp"

namespace tapline::revision {

/// What `upgrade TARGET` or `downgrade TARGET` runs, in order. TARGET is looked up in each lineage;
/// head, heads and base mean all of them. An upgrade brings along what it depends on elsewhere.
/// Throws the errors of plan_upgrade, plan_downgrade and interleave; bad_range for a range;
/// Error{usage, "ambiguous"} for steps (+1) or a prefix that several lineages understand.
/// elsewhere: ids applied in a lineage that isn't in the set (`--lineage tapline` on a bar).
[[nodiscard]] std::vector<PartStep> plan_set(
    const LineageSet& set,
    const AppliedHeads& applied,
    Direction direction,
    const std::string& target,
    const IdSet& elsewhere = {}
);

struct OfflineSteps {
    AppliedHeads from;
    std::vector<PartStep> steps;
};

/// The same for a script, from the range in text (common/revision/range.hpp). With several lineages
/// the beginning must mean something in each: base, head, heads; else Error{usage, "ambiguous"}.
[[nodiscard]] OfflineSteps plan_set_offline(
    const LineageSet& set, Direction direction, const std::string& text
);

struct StampPart {
    bool named = false;  ///< a target is about this lineage
    Plan plan;           ///< see plan_stamp
};

/// What `stamp TARGET…` writes, for each lineage of the set. Throws the errors of plan_stamp.
[[nodiscard]] std::vector<StampPart> plan_set_stamp(
    const LineageSet& set,
    const AppliedHeads& rows,
    const std::vector<std::string>& targets,
    bool purge
);

/// The lineages that a name belongs to, as indices. Throws not_found, ambiguous.
[[nodiscard]] std::vector<std::size_t> owners_of(const LineageSet& set, const std::string& target);

/// `ID,ID…` as heads of a database that isn't asked; empty or `base`: nothing is applied.
/// Throws not_found, ambiguous.
[[nodiscard]] AppliedHeads parse_applied(const LineageSet& set, const std::string& text);

}  // namespace tapline::revision
