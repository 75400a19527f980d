// Whether a journal that says hello can be served: its wire, its revision, what contracts have
// fixed.
#pragma once

#include <optional>
#include <string>

#include "central/pg/session.hpp"
#include "common/wire.hpp"

namespace tapline::fleet {

/// The shared side of central/compat/lock.hpp until the transaction ends; false while a contract
/// that moves the minimum is being applied.
[[nodiscard]] bool share_contract_lock(pg::Session& session);

struct Compatible {
    std::optional<wire::Problem> refused;  ///< 426
    /// What the agent may not step below; empty: nothing is fixed, or it was retired and is free.
    std::string journal_minimum;
};

/// In the hello's transaction, after the lock; the controller must be registered.
[[nodiscard]] Compatible judge(
    pg::Session& session, const std::string& controller, const wire::Hello& hello
);

}  // namespace tapline::fleet
