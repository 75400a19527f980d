// One transaction of PostgreSQL for the batches of several journals, or for some rows of one.
#pragma once

#include <chrono>
#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/prepare.hpp"
#include "central/settle/settler.hpp"

namespace tapline::settle {

struct GroupOptions {
    std::chrono::milliseconds lock_timeout{300};
    bool price_from_journal = false;
};

/// Settles all batches or none: outcomes in the batches' order, valid because COMMIT has returned.
/// A batch that is refused (gap, fork, hold, …) doesn't hinder the others. The journals must be
/// distinct. Throws what the session throws; then nothing has been done, unless the code is
/// "in_doubt": then the same batches sent again get their answer from the cursors.
[[nodiscard]] std::vector<Outcome> settle_group(
    pg::Session& session, const std::vector<const Prepared*>& batches, const GroupOptions& options
);

/// The last rung: row by row under savepoints, committing every slow_commit_after. A row that
/// PostgreSQL refuses waits in quarantine as settle_error/<SQLSTATE>. A lock wait or a lost
/// connection throws; what has been committed until then stays, and the cursor tells.
[[nodiscard]] Outcome settle_one_by_one(
    pg::Session& session, const Prepared& batch, const GroupOptions& options
);

}  // namespace tapline::settle
