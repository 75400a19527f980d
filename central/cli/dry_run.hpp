// upgrade and downgrade with --dry-run: each statement that would run, the locks it takes on tables
// that are there, how large those are and who uses them at this moment.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "central/revision/execute.hpp"

namespace tapline::cli {

/// {"dry_run": true, "steps": [{"id", "direction", "lineage", "statements": [{"line", "sql",
/// "commits", "grows_with", "locks": [{"table", "lock", "bytes", "rows", "used_by"}]}]}],
/// "current_after"}. rows is PostgreSQL's estimate, -1 while nobody knows; used_by counts other
/// sessions that hold a lock on the table. Tables made by an earlier step have neither.
/// Throws what lint and pg::Session throw.
[[nodiscard]] nlohmann::ordered_json dry_run_json(
    pg::Session& session,
    const revision::LineageSet& set,
    const revision::Runner::Rehearsal& rehearsal
);

[[nodiscard]] std::string dry_run_text(const nlohmann::ordered_json& json);

}  // namespace tapline::cli
