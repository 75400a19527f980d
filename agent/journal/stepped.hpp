// A migration whose rows don't fit one transaction, beside a tap that goes on writing:
//
//   1. a shadow of the new `pours` is filled in short transactions, by rowid, while triggers record
//      which copied rows the tap changes;
//   2. what changed and what came is copied again, until little of it is left;
//   3. one transaction copies the rest, compares, runs the plan on an empty `pours` and gives the
//      shadow its name: the only moment in which the schema changes;
//   4. the old table is emptied in short transactions and dropped.
//
// kill -9 before 3 leaves the old journal, after it the new one; the next migration of the file
// goes on from there. Needs as much room again as `pours` takes.
#pragma once

#include <functional>

#include "agent/journal/schema_run.hpp"

namespace tapline::journal {

/// Whether that plan rebuilds `pours`, and every old rowid may be a seq: rows that must be numbered
/// anew can't be taken one slice after the other.
[[nodiscard]] bool can_go_in_steps(const Run& run, const std::function<Work(const Run&)>& planner);

/// Up to 3; then the caller runs discard_steps. Throws storage_busy/"deadline" when the last step
/// misses swap_deadline, storage_busy/rows_moved_code when somebody changed the schema meanwhile,
/// data/"constraint" or bug/"rows_changed" when the shadow isn't what the table holds. After
/// "deadline" and "busy" the next attempt goes on with what is done; after the others it must go.
MigrateResult run_in_steps(const Run& run, const std::function<Work(const Run&)>& planner);

}  // namespace tapline::journal
