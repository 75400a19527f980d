// Rows that come again in another epoch of their journal: an older image of a card, a clone, or a
// common point that was found lower than it is. Settled or kept once, they stay what they are.
#pragma once

#include <optional>
#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/rows.hpp"

namespace tapline::settle {

/// One entry per row; nullopt: never seen. Known by its row hash, which covers all rows before it.
/// Duplicate: it has a receipt, or an operator settled it from quarantine. Rejection: it is in
/// quarantine, with that code. Asks PostgreSQL only for rows with many_epochs.
[[nodiscard]] std::vector<std::optional<Decision>> find_settled_before(
    pg::Session& session, const std::vector<SettleRow>& rows
);

}  // namespace tapline::settle
