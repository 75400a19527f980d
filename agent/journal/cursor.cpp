#include "agent/journal/cursor.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_read =
    "SELECT journal_id, epoch, adopted_through, acked_through, acked_hash, prunable_through, "
    "released_through, pruned_through "
    "FROM tapline_journal";
constexpr std::string_view sql_pruned = "SELECT pruned_through FROM tapline_journal";
constexpr std::string_view sql_nearest =
    "SELECT last_seq, hash FROM tapline_hash WHERE last_seq <= ?1 ORDER BY batch DESC LIMIT 1";
constexpr std::string_view sql_newest =
    "SELECT last_seq, hash FROM tapline_hash ORDER BY batch DESC LIMIT ?1";
constexpr std::string_view sql_move =
    "UPDATE tapline_journal SET acked_through = ?1, acked_hash = ?2";
constexpr std::string_view sql_begin_epoch =
    "UPDATE tapline_journal SET epoch = ?1, acked_through = ?2, acked_hash = ?3";
constexpr std::string_view sql_last_batch = "SELECT COALESCE(max(batch), 0) FROM tapline_hash";
constexpr std::string_view sql_add_hash =
    "INSERT INTO tapline_hash (batch, epoch, first_seq, last_seq, hash) VALUES (?1, ?2, ?3, ?4, "
    "?5)";
constexpr std::string_view sql_thin = "DELETE FROM tapline_hash WHERE batch = ?1";
constexpr std::string_view sql_forget = "DELETE FROM tapline_hash WHERE last_seq > ?1";
constexpr std::string_view sql_prunable =
    "UPDATE tapline_journal SET prunable_through = ?1 WHERE prunable_through <> ?1";
constexpr std::string_view sql_set_pruned =
    "UPDATE tapline_journal SET pruned_through = ?1 WHERE pruned_through < ?1";
constexpr std::string_view sql_released =
    "UPDATE tapline_journal SET released_through = ?1 WHERE released_through < ?1";

RowHash hash_of(const Statement& row, int column) {
    RowHash hash{};
    const auto bytes = row.text(column);
    TAPLINE_CHECK(bytes.size() == hash.size());
    std::transform(bytes.begin(), bytes.end(), hash.begin(), [](char c) {
        return static_cast<std::uint8_t>(c);
    });
    return hash;
}

Blob blob_of(const RowHash& hash) {
    return {std::string(hash.begin(), hash.end())};
}

}  // namespace

Cursor::Cursor(Database& database)
    : read_(database.prepare(sql_read)),
      pruned_(database.prepare(sql_pruned)),
      nearest_(database.prepare(sql_nearest)),
      newest_(database.prepare(sql_newest)),
      move_(database.prepare(sql_move)),
      begin_epoch_(database.prepare(sql_begin_epoch)),
      last_batch_(database.prepare(sql_last_batch)),
      add_hash_(database.prepare(sql_add_hash)),
      thin_(database.prepare(sql_thin)),
      forget_(database.prepare(sql_forget)),
      prunable_(database.prepare(sql_prunable)),
      released_(database.prepare(sql_released)),
      set_pruned_(database.prepare(sql_set_pruned)) {}

Identity Cursor::read() {
    const ResetAtExit at_exit(read_);
    if (!read_.step()) {
        throw Error(
            ErrorKind::storage_corrupt,
            "damaged",
            "tapline_journal has no row",
            "Run `tapline-agent journal check` on the file."
        );
    }
    Identity identity;
    identity.journal_id = read_.text(0);
    identity.epoch = read_.integer(1);
    identity.adopted_through = read_.integer(2);
    identity.acked_through = read_.integer(3);
    identity.acked_hash = hash_of(read_, 4);
    identity.prunable_through = read_.integer(5);
    identity.released_through = read_.integer(6);
    identity.pruned_through = read_.integer(7);
    return identity;
}

Seq Cursor::pruned_through() {
    const ResetAtExit at_exit(pruned_);
    return pruned_.step() ? pruned_.integer(0) : 0;
}

ChainPoint Cursor::nearest(Seq seq) {
    ChainPoint point;
    if (const auto identity = read(); identity.acked_through <= seq) {
        point = {identity.acked_through, identity.acked_hash};
    }
    const ResetAtExit at_exit(nearest_);
    nearest_.bind(1, seq);
    if (nearest_.step() && nearest_.integer(0) > point.seq) {
        point = {nearest_.integer(0), hash_of(nearest_, 1)};
    }
    return point;
}

std::vector<ChainPoint> Cursor::newest(std::int64_t limit) {
    const ResetAtExit at_exit(newest_);
    newest_.bind(1, limit);
    std::vector<ChainPoint> points;
    while (newest_.step()) {
        points.push_back({newest_.integer(0), hash_of(newest_, 1)});
    }
    std::reverse(points.begin(), points.end());
    return points;
}

void Cursor::advance(std::int64_t epoch, Seq first_seq, const ChainPoint& point) {
    move_.bind(1, point.seq).bind(2, blob_of(point.hash)).run();
    add_hash(epoch, first_seq, point);
}

void Cursor::add_hash(std::int64_t epoch, Seq first_seq, const ChainPoint& point) {
    std::int64_t batch = 1;
    {
        const ResetAtExit at_exit(last_batch_);
        batch = last_batch_.step() ? last_batch_.integer(0) + 1 : 1;
    }
    add_hash_.bind(1, batch)
        .bind(2, epoch)
        .bind(3, first_seq)
        .bind(4, point.seq)
        .bind(5, blob_of(point.hash))
        .run();
    if (const auto old = batch - hashes_kept; old % hashes_kept != 0) {
        thin_.bind(1, old).run();
    }
}

void Cursor::step_back(const ChainPoint& point) {
    move_.bind(1, point.seq).bind(2, blob_of(point.hash)).run();
    forget_.bind(1, point.seq).run();
}

void Cursor::begin_epoch(std::int64_t epoch, const ChainPoint& point) {
    begin_epoch_.bind(1, epoch).bind(2, point.seq).bind(3, blob_of(point.hash)).run();
    forget_.bind(1, point.seq).run();
    if (point.seq > 0) {
        add_hash(epoch, point.seq, point);
    }
}

void Cursor::set_prunable(Seq through) {
    prunable_.bind(1, through).run();
}

void Cursor::set_pruned(Seq through) {
    set_pruned_.bind(1, through).run();
}

void Cursor::set_released(std::int64_t through) {
    released_.bind(1, through).run();
}

}  // namespace tapline::journal
