// The SQL script of `upgrade --sql` and `downgrade --sql`, for a database that this program can't
// reach: run by psql, it guards itself as the runner would. Pure.
#pragma once

#include <string>
#include <vector>

#include "central/revision/plan_set.hpp"

namespace tapline::revision {

/// One transaction per revision, each with its version row and its line in the log. Before
/// anything, and again in each transaction, it makes sure that the database is where the script
/// begins; applied revisions must have the digests that their files have now. The first error ends
/// it (ON_ERROR_STOP), and what was committed stays.
/// Throws Error{usage, "offline_pieces"} for a revision that commits in pieces: a script that died
/// in it couldn't tell where to go on.
/// guarded: per step, tables that must be empty before it, as they are written; may be shorter.
[[nodiscard]] std::string offline_script(
    const LineageSet& set,
    const OfflineSteps& offline,
    const std::vector<std::vector<std::string>>& guarded = {}
);

}  // namespace tapline::revision
