// Lineage + what is applied + target -> steps. Pure: `upgrade` runs exactly what `plan` printed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/lineage.hpp"

namespace tapline::revision {

struct Step {
    std::string id;
    Direction direction = Direction::upgrade;
    /// Rows of the version table once this step is done, by id: write them in its transaction.
    std::vector<std::string> heads_after;
};

struct Plan {
    std::vector<Step> steps;               ///< in order; empty: nothing to do
    std::vector<std::string> heads_after;  ///< by id; empty: base
};

/// target: anything resolve_target understands. Nothing to do is no error: the target is applied.
/// applied: the heads in the version table; an id that no file has gives not_found.
/// Throws the errors of resolve_target.
[[nodiscard]] Plan plan_upgrade(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view target
);

/// Takes down what stands on the target, newest first; the target itself stays.
/// Throws the errors of resolve_target, not_ancestor when the target isn't applied, and
/// irreversible naming the revision that has no way back.
[[nodiscard]] Plan plan_downgrade(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view target
);

/// One of several lineages that share a database.
struct LineagePart {
    std::string name;  ///< "app", "tapline"; for messages
    const Lineage* lineage = nullptr;
    std::vector<std::string> applied;  ///< heads before the plan
    Plan plan;
};

struct PartStep {
    std::size_t part = 0;  ///< index into the parts
    Step step;
};

/// Puts the plans of several lineages into one order that honours Depends On across them. All plans
/// go in one direction. Order within a lineage is kept; a tie goes to the earlier part on an
/// upgrade, to the later one on a downgrade.
/// Throws Error{refused, "dependency_missing"} when a step needs a revision that is neither applied
/// nor planned before it, or takes one down that an applied revision elsewhere needs.
[[nodiscard]] std::vector<PartStep> interleave(std::span<const LineagePart> parts);

}  // namespace tapline::revision
