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

/// heads and everything below them. Throws not_found for an id that no file has: a foreign or newer
/// database, not a mistyped id.
[[nodiscard]] IdSet applied_set(const Lineage& lineage, const std::vector<std::string>& heads);

/// target: anything upgrade_target understands; what it depends on comes along. Nothing to do is no
/// error: the target is applied. applied: the heads in the version table.
/// Throws the errors of upgrade_target and applied_set.
[[nodiscard]] Plan plan_upgrade(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view target
);

/// Takes down what revises the target and everything that needs that, newest first. The target
/// stays, and so does what only depends on it. With `label@` only the branch's way up from the
/// target goes, where there are several. Throws the errors of downgrade_target and applied_set,
/// not_ancestor when the target isn't applied, and irreversible naming the revision that has no way
/// back.
[[nodiscard]] Plan plan_downgrade(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view target
);

/// What `stamp` makes of the version rows; heads_after of every step are the final rows. Nothing
/// runs: a step is a row that is written (upgrade, downgrade: from where) or, for base, taken away.
/// Rows of other branches stay. targets: as resolve. rows: of the version table.
/// purge: as if there were no rows, so ids that no file has don't matter.
/// Throws the errors of resolve, and of applied_set without purge.
[[nodiscard]] Plan plan_stamp(
    const Lineage& lineage,
    const std::vector<std::string>& rows,
    const std::vector<std::string>& targets,
    bool purge = false
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
/// elsewhere: ids applied in lineages that aren't among the parts.
/// Throws Error{refused, "dependency_missing"} when a step needs a revision that is neither applied
/// nor planned before it, or takes one down that an applied revision elsewhere needs.
[[nodiscard]] std::vector<PartStep> interleave(
    std::span<const LineagePart> parts, const IdSet& elsewhere = {}
);

}  // namespace tapline::revision
