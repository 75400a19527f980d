// Accounts and their trails as the database has them. Blocking; run all of it in one REPEATABLE
// READ transaction, so that every figure is of one moment.
#pragma once

#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/reconcile/account.hpp"

namespace tapline::reconcile {

/// Throws Error{refused, "behind_head"} on a database without t0003.
void must_have_balances(pg::Session& session);

/// All of one kind, or the one with this id (empty when there is none). Reads every receipt once:
/// there is no index by guest or keg, which settling would have to fill for every pour.
[[nodiscard]] std::vector<Account> read_accounts(
    pg::Session& session, Subject subject, const std::optional<std::string>& id
);

/// Of one account since its opening.
[[nodiscard]] Trail read_trail(pg::Session& session, const Account& account);

}  // namespace tapline::reconcile
