// What central has of each journal: complete through which seq, how many rows, and what contradicts
// the receipts. Blocking; in the transaction of read_accounts.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::reconcile {

inline constexpr std::int64_t max_named = 20;  ///< holes and differences named per journal

/// Seqs up to the cursor of which central has neither receipt nor quarantined row: absent in the
/// journal, or in `pours` already when they came. No difference by itself.
struct Hole {
    std::int64_t first = 0;
    std::int64_t last = 0;
};

struct JournalFault {
    /// pour_gone, pour_changed (pours says otherwise than the receipt), both (settled and waiting),
    /// beyond_cursor
    std::string code;
    std::int64_t seq = 0;
    std::string detail;
};

/// One epoch of one journal.
struct JournalState {
    std::string journal_id;
    std::int64_t epoch = 0;
    std::string controller;
    std::int64_t complete_through = 0;
    std::string hash;                     ///< hex, the row chain at complete_through
    std::optional<std::int64_t> max_seq;  ///< as the agent said last
    std::int64_t rows = 0;                ///< receipts
    std::int64_t volume_ml = 0;
    std::int64_t amount_cents = 0;
    std::int64_t waiting = 0;
    std::int64_t dismissed = 0;
    std::int64_t hole_count = 0;
    std::vector<Hole> holes;  ///< the first max_named
    std::int64_t fault_count = 0;
    std::vector<JournalFault> faults;  ///< the first max_named
};

/// By controller, journal and epoch; all of them, or the epochs of one.
[[nodiscard]] std::vector<JournalState> read_journals(
    pg::Session& session, const std::optional<std::string>& journal_id
);

}  // namespace tapline::reconcile
