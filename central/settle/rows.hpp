// Rows -> pours, receipts, charges and draw-downs, inside a transaction that the caller holds. Both
// settling and the quarantine's verbs go through here, so that there is one way to charge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/decide.hpp"
#include "central/settle/pour_time.hpp"
#include "common/row_hash.hpp"

namespace tapline::settle {

/// One row on its way. The pointers are the caller's and outlive the call.
struct SettleRow {
    const std::string* journal_id = nullptr;
    std::int64_t epoch = 0;
    const std::string* revision = nullptr;
    const RawPour* raw = nullptr;
    const RowHash* hash = nullptr;
    const std::variant<CleanPour, Rejection>* pour = nullptr;
    const PourTime* time = nullptr;
    bool many_epochs = false;  ///< it may have been settled in another epoch of its journal
    std::string keg_id;        ///< an operator says which keg; empty: the tap's at that time

    /// Out: what became of it. A Charge has been settled under `pour_id`; a Rejection has left no
    /// trace, keep_rows writes it down.
    std::optional<Decision> decision;
    std::string pour_id;
};

[[nodiscard]] inline std::string_view hash_bytes(const RowHash& hash) noexcept {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
    return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

/// Set-based: the number of statements doesn't grow with the rows. Throws what the session throws;
/// the transaction (or savepoint) must be rolled back then.
void settle_rows(pg::Session& session, std::vector<SettleRow>& rows, const DecideOptions& options);

/// Puts the rejected ones of `rows` into quarantine, once each.
void keep_rows(pg::Session& session, const std::vector<SettleRow>& rows);

}  // namespace tapline::settle
