#include "agent/journal/pour_view.hpp"

#include <algorithm>
#include <charconv>

#include "agent/journal/rows.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_newest =
    "SELECT seq, card_uid, client_tx_id, data, duration_ms, end_ts, legacy_status, price_cents, "
    "price_per_ml_at_pour, recorded_at, short_id, start_ts, tail_volume_ml, tap_id, volume_ml, "
    "status, attempts FROM pours ORDER BY seq DESC LIMIT ?1";
constexpr std::string_view sql_after =
    "SELECT seq, card_uid, client_tx_id, data, duration_ms, end_ts, legacy_status, price_cents, "
    "price_per_ml_at_pour, recorded_at, short_id, start_ts, tail_volume_ml, tap_id, volume_ml, "
    "status, attempts FROM pours WHERE seq > ?1 ORDER BY seq LIMIT ?2";
// +seq: SQLite would look for seq alone by the key and scan for the rest all the same.
constexpr std::string_view sql_named =
    "SELECT seq, card_uid, client_tx_id, data, duration_ms, end_ts, legacy_status, price_cents, "
    "price_per_ml_at_pour, recorded_at, short_id, start_ts, tail_volume_ml, tap_id, volume_ml, "
    "status, attempts FROM pours WHERE +seq = ?1 OR client_tx_id = ?2 OR short_id = ?2 "
    "ORDER BY seq LIMIT ?3";

std::int64_t bounded(std::int64_t limit) {
    return std::clamp<std::int64_t>(limit, 0, max_seen_pours);
}

std::vector<SeenPour> read_all(Statement& statement) {
    const ResetAtExit at_exit(statement);
    std::vector<SeenPour> pours;
    while (statement.step()) {
        pours.push_back(
            {read_pour(statement),
             statement.text(columns_of_pour),
             statement.integer(columns_of_pour + 1)}
        );
    }
    return pours;
}

}  // namespace

std::string_view standing_of(const SeenPour& pour, Seq acked_through) noexcept {
    if (pour.pour.seq > acked_through) {
        return "waiting";
    }
    return pour.status == "quarantined" ? "quarantined" : "acked";
}

PourView::PourView(Database& database)
    : newest_(database.prepare(sql_newest)),
      after_(database.prepare(sql_after)),
      named_(database.prepare(sql_named)) {}

std::vector<SeenPour> PourView::newest(std::int64_t limit) {
    newest_.bind(1, bounded(limit));
    auto pours = read_all(newest_);
    std::reverse(pours.begin(), pours.end());
    return pours;
}

std::vector<SeenPour> PourView::after(Seq seq, std::int64_t limit) {
    after_.bind(1, seq).bind(2, bounded(limit));
    return read_all(after_);
}

std::vector<SeenPour> PourView::named(std::string_view id, std::int64_t limit) {
    Seq seq = 0;  // no pour's
    const auto [end, failure] = std::from_chars(id.data(), id.data() + id.size(), seq);
    if (failure != std::errc{} || end != id.data() + id.size()) {
        seq = 0;
    }
    named_.bind(1, seq).bind(2, id).bind(3, bounded(limit));
    return read_all(named_);
}

}  // namespace tapline::journal
