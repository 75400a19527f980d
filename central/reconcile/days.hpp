// One day of one tap, or of each: what pours holds and what the receipts say of the same pours.
// Blocking; in the transaction of read_accounts.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::reconcile {

struct DayFault {
    std::string pour_id;
    std::string detail;
};

struct TapDay {
    std::int64_t tap_id = 0;
    std::int64_t rows = 0;  ///< in pours, by poured_at
    std::int64_t volume_ml = 0;
    std::int64_t amount_cents = 0;
    std::int64_t receipt_rows = 0;  ///< of these pours; the others are the bar's own program's
    std::int64_t receipt_ml = 0;
    std::int64_t receipt_cents = 0;
    std::int64_t uncertain = 0;  ///< receipts whose time is neither exact nor corrected
    std::int64_t own_rows = 0;
    std::int64_t own_ml = 0;
    std::int64_t own_cents = 0;
    std::int64_t waiting = 0;  ///< in quarantine, by their own time or else when they came
    std::int64_t waiting_ml = 0;
    std::vector<DayFault> faults;  ///< pours that say otherwise than their receipt; 20 at most

    [[nodiscard]] bool balanced() const {
        return receipt_ml + own_ml == volume_ml && receipt_cents + own_cents == amount_cents &&
               faults.empty();
    }
};

/// day: "2026-11-20" in `zone`, a name PostgreSQL knows. A tap without pours has no line unless it
/// was asked for. Throws Error{usage, "bad_day" | "bad_zone"}.
[[nodiscard]] std::vector<TapDay> read_days(
    pg::Session& session,
    const std::optional<std::int64_t>& tap_id,
    const std::string& day,
    const std::string& zone
);

}  // namespace tapline::reconcile
