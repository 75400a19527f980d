#include "agent/journal/rows.hpp"

#include <array>
#include <variant>

#include "agent/journal/salvage_notes.hpp"

namespace tapline::journal {

namespace {

/// Every column of a pour but seq, status and attempts, in ascending name order: the row hash wants
/// them so. sql_read names them in the same order.
constexpr std::array<const char*, 14> columns{
    "card_uid",
    "client_tx_id",
    "data",
    "duration_ms",
    "end_ts",
    "legacy_status",
    "price_cents",
    "price_per_ml_at_pour",
    "recorded_at",
    "short_id",
    "start_ts",
    "tail_volume_ml",
    "tap_id",
    "volume_ml"};

constexpr std::string_view sql_max_seq = "SELECT COALESCE(max(seq), 0) FROM pours";
constexpr std::string_view sql_count = "SELECT count(*) FROM pours WHERE seq > ?1 AND seq <= ?2";
constexpr std::string_view sql_first_recorded_at =
    "SELECT recorded_at FROM pours WHERE seq > ?1 AND seq <= ?2 AND recorded_at IS NOT NULL "
    "ORDER BY seq LIMIT 1";
constexpr std::string_view sql_read =
    "SELECT seq, card_uid, client_tx_id, data, duration_ms, end_ts, legacy_status, price_cents, "
    "price_per_ml_at_pour, "
    "recorded_at, short_id, start_ts, tail_volume_ml, tap_id, volume_ml "
    "FROM pours WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
constexpr std::string_view sql_read_noted =
    "SELECT p.seq, p.card_uid, p.client_tx_id, p.data, p.duration_ms, p.end_ts, p.legacy_status, "
    "p.price_cents, p.price_per_ml_at_pour, p.recorded_at, p.short_id, p.start_ts, "
    "p.tail_volume_ml, p.tap_id, p.volume_ml, n.evidence "
    "FROM pours AS p LEFT JOIN tapline_salvage AS n ON n.seq = p.seq "
    "WHERE p.seq > ?1 AND p.seq <= ?2 ORDER BY p.seq";
constexpr std::string_view sql_find_new =
    "SELECT seq FROM pours WHERE seq > ?1 AND seq <= ?2 AND status = 'new' ORDER BY seq LIMIT ?3";
constexpr std::string_view sql_find_newest_new =
    "SELECT seq FROM pours WHERE seq > ?1 AND seq <= ?2 AND status = 'new' ORDER BY seq DESC LIMIT "
    "?3";
constexpr std::string_view sql_hold =
    "UPDATE pours SET status = 'held' WHERE seq = ?1 AND status = 'new'";
constexpr std::string_view sql_confirm =
    "UPDATE pours SET status = 'confirmed' WHERE seq > ?1 AND seq <= ?2 AND status IN ('new', "
    "'held')";
constexpr std::string_view sql_quarantine =
    "UPDATE pours SET status = 'quarantined' WHERE seq = ?1 AND status IN ('new', 'held')";
constexpr std::string_view sql_next_seqs =
    "SELECT count(*), COALESCE(max(seq), 0) FROM "
    "(SELECT seq FROM pours WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3)";
constexpr std::string_view sql_remove = "DELETE FROM pours WHERE seq > ?1 AND seq <= ?2";
constexpr std::string_view sql_release =
    "UPDATE pours SET status = 'confirmed' WHERE seq = ?1 AND status = 'quarantined'";

}  // namespace

static_assert(columns.size() + 1 == columns_of_pour);

RawPour read_pour(const Statement& row) {
    RawPour pour;
    pour.seq = row.integer(0);
    pour.columns.reserve(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        auto value = row.value(static_cast<int>(i) + 1);
        if (!std::holds_alternative<std::monostate>(value)) {
            pour.columns.push_back({columns[i], std::move(value)});
        }
    }
    return pour;
}

Rows::Rows(Database& database)
    : max_seq_(database.prepare(sql_max_seq)),
      count_(database.prepare(sql_count)),
      first_recorded_at_(database.prepare(sql_first_recorded_at)),
      noted_(has_salvage_notes(database)),
      read_(database.prepare(noted_ ? sql_read_noted : sql_read)),
      find_new_(database.prepare(sql_find_new)),
      find_newest_new_(database.prepare(sql_find_newest_new)),
      hold_(database.prepare(sql_hold)),
      confirm_(database.prepare(sql_confirm)),
      quarantine_(database.prepare(sql_quarantine)),
      release_(database.prepare(sql_release)),
      next_seqs_(database.prepare(sql_next_seqs)),
      remove_(database.prepare(sql_remove)) {}

Seq Rows::max_seq() {
    const ResetAtExit at_exit(max_seq_);
    return max_seq_.step() ? max_seq_.integer(0) : 0;
}

std::int64_t Rows::count(Seq after, Seq through) {
    const ResetAtExit at_exit(count_);
    count_.bind(1, after).bind(2, through);
    return count_.step() ? count_.integer(0) : 0;
}

std::optional<std::string> Rows::first_recorded_at(Seq after, Seq through) {
    const ResetAtExit at_exit(first_recorded_at_);
    first_recorded_at_.bind(1, after).bind(2, through);
    return first_recorded_at_.step() ? std::optional(first_recorded_at_.text(0)) : std::nullopt;
}

void Rows::read(Seq after, Seq through, const std::function<bool(RawPour&&)>& take) {
    const ResetAtExit at_exit(read_);
    read_.bind(1, after).bind(2, through);
    while (read_.step()) {
        auto pour = read_pour(read_);
        if (noted_ && !read_.is_null(columns_of_pour)) {
            put_note(pour, read_.text(columns_of_pour));
        }
        if (!take(std::move(pour))) {
            return;
        }
    }
}

std::vector<Seq> Rows::find_new(Seq after, Seq through, std::int64_t limit) {
    return seqs_of(find_new_, after, through, limit);
}

std::vector<Seq> Rows::find_newest_new(Seq after, Seq through, std::int64_t limit) {
    return seqs_of(find_newest_new_, after, through, limit);
}

std::vector<Seq> Rows::seqs_of(Statement& find, Seq after, Seq through, std::int64_t limit) {
    const ResetAtExit at_exit(find);
    find.bind(1, after).bind(2, through).bind(3, limit);
    std::vector<Seq> found;
    while (find.step()) {
        found.push_back(find.integer(0));
    }
    return found;
}

Rows::Seqs Rows::next_seqs(Seq after, Seq through, std::int64_t limit) {
    const ResetAtExit at_exit(next_seqs_);
    next_seqs_.bind(1, after).bind(2, through).bind(3, limit);
    return next_seqs_.step() ? Seqs{next_seqs_.integer(0), next_seqs_.integer(1)} : Seqs{};
}

std::int64_t Rows::remove(Seq after, Seq through) {
    return remove_.bind(1, after).bind(2, through).run();
}

std::int64_t Rows::hold(Seq seq) {
    return hold_.bind(1, seq).run();
}

std::int64_t Rows::confirm(Seq after, Seq through) {
    return confirm_.bind(1, after).bind(2, through).run();
}

std::int64_t Rows::quarantine(Seq seq) {
    return quarantine_.bind(1, seq).run();
}

std::int64_t Rows::release(Seq seq) {
    return release_.bind(1, seq).run();
}

}  // namespace tapline::journal
