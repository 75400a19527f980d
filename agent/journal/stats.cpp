#include "agent/journal/stats.hpp"

#include <algorithm>
#include <limits>
#include <system_error>

#include <sys/statvfs.h>

#include "agent/journal/clock_notes.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/rows.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view sql_per_status =
    "SELECT CAST(COALESCE(status, '') AS TEXT), count(*) FROM pours GROUP BY 1 ORDER BY 2 DESC "
    "LIMIT 100";
constexpr std::string_view sql_waiting_per_tap =
    "SELECT CAST(COALESCE(tap_id, '') AS TEXT), count(*) FROM pours WHERE seq > ?1 GROUP BY 1 "
    "ORDER BY 2 DESC LIMIT 100";
constexpr std::string_view sql_sum =
    "SELECT count(*), "
    "COALESCE(sum(iif(typeof(volume_ml) = 'integer' AND volume_ml BETWEEN -1000000 AND 1000000, "
    "volume_ml, 0)), 0), "
    "COALESCE(sum(iif(typeof(price_cents) = 'integer' AND price_cents BETWEEN -1000000 AND "
    "1000000, price_cents, 0)), 0) "
    "FROM pours WHERE seq > ?1";
constexpr std::string_view sql_days =
    "SELECT CAST(COALESCE(substr(start_ts, 1, 10), substr(recorded_at, 1, 10), '') AS TEXT), "
    "CAST(COALESCE(tap_id, '') AS TEXT), count(*), "
    "sum(iif(typeof(volume_ml) = 'integer' AND volume_ml BETWEEN -1000000 AND 1000000, volume_ml, "
    "0)), "
    "sum(iif(typeof(price_cents) = 'integer' AND price_cents BETWEEN -1000000 AND 1000000, "
    "price_cents, 0)) "
    "FROM pours GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT ?1";
constexpr std::string_view sql_schema =
    "SELECT type, name, COALESCE(sql, '') FROM sqlite_schema ORDER BY type, name LIMIT 1000";

std::map<std::string, std::int64_t> read_counts(Statement& row) {
    std::map<std::string, std::int64_t> counts;
    while (row.step()) {
        counts[row.text(0)] = row.integer(1);
    }
    return counts;
}

Sum read_sum(const Statement& row, int first) {
    return {row.integer(first), row.integer(first + 1), row.integer(first + 2)};
}

Sum sum_after(Database& database, Seq seq) {
    auto row = database.prepare(sql_sum);
    row.bind(1, seq);
    return row.step() ? read_sum(row, 0) : Sum{};
}

std::int64_t size_of(const fs::path& file) {
    std::error_code missing;
    const auto bytes = fs::file_size(file, missing);
    return missing ? 0 : static_cast<std::int64_t>(bytes);
}

void read_sizes(const fs::path& file, Stats& stats) {
    stats.file_bytes = size_of(file);
    stats.wal_bytes = size_of(file.string() + "-wal");

    struct statvfs system {};

    if (::statvfs(file.parent_path().c_str(), &system) == 0) {
        stats.free_bytes = static_cast<std::int64_t>(
            static_cast<std::uint64_t>(system.f_bavail) * system.f_frsize
        );
    }
}

}  // namespace

Stats read_stats(Reading& reading, std::int64_t days) {
    auto& database = reading.database;
    Stats stats;
    stats.identity = Cursor(database).read();
    stats.identity.revision = reading.revision;
    const Seq acked = stats.identity.acked_through;
    Rows rows(database);
    stats.max_seq = rows.max_seq();
    stats.prunable_rows = rows.count(0, stats.identity.prunable_through);
    // Rows that were there at adoption have no time of their own.
    stats.oldest_recorded_at = rows.first_recorded_at(acked, stats.max_seq);
    stats.all = sum_after(database, std::numeric_limits<Seq>::min());
    stats.waiting = sum_after(database, acked);
    auto statuses = database.prepare(sql_per_status);
    stats.per_status = read_counts(statuses);
    auto taps = database.prepare(sql_waiting_per_tap);
    taps.bind(1, acked);
    stats.waiting_per_tap = read_counts(taps);
    auto day = database.prepare(sql_days);
    day.bind(1, std::clamp<std::int64_t>(days, 0, max_day_sums));
    while (day.step()) {
        stats.days.push_back({day.text(0), day.text(1), read_sum(day, 2)});
    }
    read_sizes(database.file(), stats);
    stats.history = read_ledger(database);
    stats.boots = ClockNotes(database).between(
        std::numeric_limits<Seq>::min(), std::numeric_limits<Seq>::max()
    );
    return stats;
}

std::vector<SchemaObject> read_schema(Database& database) {
    std::vector<SchemaObject> objects;
    auto row = database.prepare(sql_schema);
    while (row.step()) {
        objects.push_back({row.text(0), row.text(1), row.text(2)});
    }
    return objects;
}

}  // namespace tapline::journal
