// What must hold of a database before `serve` takes in pours.
#pragma once

#include <optional>
#include <string>

#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::cli {

/// Throws Error{refused, "behind_head"} naming `tapline-central upgrade`, or "unknown_revision"
/// when the lineage tapline is at a revision that this program has no file for. The lineage app may
/// be at one: those are the bar's own, and what they may not touch is check_pours_columns'
/// business.
void check_at_head(const revision::LineageSet& set, const revision::AppliedHeads& applied);

/// The same while serving: why pours can't be settled any more, nullopt while they can. A newer
/// revision of tapline is no obstacle: a newer central has brought it in beside this one.
[[nodiscard]] std::optional<std::string> obstacle_in_schema(
    const revision::LineageSet& set, pg::Session& session
);

/// Settling fills exactly the baseline's NOT NULL columns of `pours`: a schema with others (the
/// later visit model) would refuse every row. Throws Error{refused, "unknown_schema"} listing them.
void check_pours_columns(pg::Session& session);

/// "dev", "staging" or "production": a property of the database. One without it is production.
[[nodiscard]] std::string environment_of(pg::Session& session);

/// For a database that this run made. Never changes one that says what it is.
void mark_as_dev(pg::Session& session);

}  // namespace tapline::cli
