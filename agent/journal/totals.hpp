// What must be the same before and after a migration.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/journal/database.hpp"

namespace tapline::journal {

struct Totals {
    std::int64_t rows = 0;
    std::map<std::string, std::int64_t> per_status;  ///< NULL counts as ""
    std::int64_t ids = 0;                            ///< rows with a client_tx_id
    /// Sums as SQLite's total() prints them: text counts as its leading number, nothing overflows.
    /// nullopt where the shape has no such column (gen3, or no table at all).
    std::optional<std::string> volume_ml;
    std::optional<std::string> price_cents;

    /// Statuses may differ: they are the writer's.
    [[nodiscard]] bool same_pours(const Totals& before) const;
};

[[nodiscard]] Totals read_totals(Database& database);
/// Of a table that looks like `pours`; which: " WHERE …", or empty for all of its rows.
[[nodiscard]] Totals read_totals(
    Database& database, std::string_view table, std::string_view which
);

}  // namespace tapline::journal
