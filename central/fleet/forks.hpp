// The operator's side of forks: which journals are shown by two devices, who may go on, and which
// controller a journal belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::fleet {

struct ListedSide {
    std::int64_t id = 0;
    std::string controller;
    std::string fingerprint;
    std::string boot_id;
    std::int64_t epoch = 0;
    std::int64_t acked = 0;
    std::int64_t max_seq = 0;
    std::int64_t depth = 0;  ///< pours in that file that aren't acked
    std::string since;
    std::string last_seen;
    bool alive = false;
    std::string verdict;  ///< chosen, refused or ""
    std::string verdict_by;
    std::string verdict_reason;
};

struct ListedEpoch {
    std::int64_t epoch = 0;
    std::int64_t start_seq = 0;
    std::int64_t cursor = 0;
    bool closed = false;
    std::string granted_by;  ///< "" for one that the journal came with
    std::string granted_at;
    std::string reason;
};

struct ListedFork {
    std::string journal_id;
    std::string controller;
    /// two_alive: an operator has to decide. shown_elsewhere: another controller has the card.
    /// refused: one that wasn't chosen still asks. repaired: only with `all`.
    std::string state;
    std::string since;  ///< of two_alive; else ""
    std::vector<ListedSide> sides;
    std::vector<ListedEpoch> epochs;
};

/// Those that need somebody; with `all` every journal that ever got an epoch.
[[nodiscard]] std::vector<ListedFork> list_forks(pg::Session& session, bool all);

/// The journal whose id begins so. Error{usage, "unknown_journal" | "ambiguous_journal"}.
[[nodiscard]] std::string find_journal_id(pg::Session& session, const std::string& prefix);

struct Decided {
    std::int64_t chosen = 0;
    std::int64_t refused = 0;
    std::int64_t closed_epochs = 0;
};

/// The named sides go on, each in an epoch of its own; nothing more is settled in the epochs of
/// before, and the sides not named are refused. Where no fork is open it lets in sides that were
/// refused. Error{usage, "unknown_side"}; Error{refused, "no_fork"}.
[[nodiscard]] Decided decide_fork(
    pg::Session& session,
    const std::string& journal_id,
    std::vector<std::int64_t> sides,
    const std::string& reason,
    const std::string& who
);

/// From now on the journal belongs to another controller; its old device gets `not_yours`. Returns
/// the old one. Error{usage, "unknown_controller"}; Error{refused, "not_enrolled" |
/// "already_there"}.
[[nodiscard]] std::string move_journal(
    pg::Session& session,
    const std::string& journal_id,
    const std::string& to,
    const std::string& reason,
    const std::string& who
);

}  // namespace tapline::fleet
