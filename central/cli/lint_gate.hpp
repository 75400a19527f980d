// The gate that lint keeps before an upgrade: what would stop the bar doesn't run unless its author
// said why it may.
#pragma once

#include <vector>

#include "central/lint/catalog.hpp"
#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"
#include "common/revision/plan.hpp"

namespace tapline::cli {

/// Prints every finding on stderr. A lineage at base is let through: in an empty database nothing
/// can be stopped or lost.
/// Throws Error{refused, "lint"} when a finding blocks.
void refuse_hazards(
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied,
    const std::vector<revision::PartStep>& steps
);

/// Tables of the bar that the step's downgrade drops, by its own SQL, as it is written. catalog:
/// before the step; afterwards as after it.
[[nodiscard]] std::vector<std::string> dropped_tables(
    lint::Catalog& catalog, const revision::DatabaseLineage& lineage, const revision::Step& step
);

/// Before the first of several downgrades runs: throws Error{refused, "rows_would_go"} naming the
/// tables with rows that their SQL drops. What only running it shows is found by the runner's own
/// guard, revision by revision.
void refuse_row_losses(
    pg::Session& session,
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied,
    const std::vector<revision::PartStep>& steps
);

/// What lint knows of a database where these are applied.
[[nodiscard]] lint::Catalog catalog_at(
    const revision::LineageSet& set, const revision::AppliedHeads& applied
);

}  // namespace tapline::cli
