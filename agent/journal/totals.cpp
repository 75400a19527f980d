#include "agent/journal/totals.hpp"

#include <fmt/format.h>

#include "agent/journal/shape.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_per_status =
    "SELECT CAST(COALESCE(status, '') AS TEXT), count(*), count(client_tx_id) FROM {}{} GROUP BY 1";
constexpr std::string_view sql_sums = "SELECT total(volume_ml), total(price_cents) FROM {}{}";

}  // namespace

bool Totals::same_pours(const Totals& before) const {
    const bool same_sums =
        !before.volume_ml || (volume_ml == before.volume_ml && price_cents == before.price_cents);
    return rows == before.rows && ids == before.ids && same_sums;
}

Totals read_totals(Database& database) {
    return read_totals(database, "pours", "");
}

Totals read_totals(Database& database, std::string_view table, std::string_view which) {
    Totals totals;
    const auto pours = read_table(database, table);
    if (!pours) {
        return totals;
    }
    auto row = database.prepare(fmt::format(sql_per_status, table, which));
    while (row.step()) {
        totals.per_status[row.text(0)] = row.integer(1);
        totals.rows += row.integer(1);
        totals.ids += row.integer(2);
    }
    if (pours->columns.contains("volume_ml")) {
        auto sums = database.prepare(fmt::format(sql_sums, table, which));
        if (sums.step()) {
            totals.volume_ml = sums.text(0);
            totals.price_cents = sums.text(1);
        }
    }
    return totals;
}

}  // namespace tapline::journal
