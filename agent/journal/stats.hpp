// A journal in numbers: what a technician reads out over the phone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/journal.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/reading.hpp"

namespace tapline::journal {

/// Sums count whole numbers within a million; what isn't one adds 0.
struct Sum {
    std::int64_t rows = 0;
    std::int64_t volume_ml = 0;
    std::int64_t price_cents = 0;  ///< as the tap's program wrote them; central charges by its own
};

/// tap: as text, since a journal may hold anything there; "" is NULL.
struct DaySum {
    std::string day;  ///< "2026-11-20" of start_ts, else of recorded_at; "" when neither tells
    std::string tap;
    Sum sum;
};

struct Stats {
    Identity identity;
    Seq max_seq = 0;
    Sum all;
    Sum waiting;                                     ///< not acked by central
    std::map<std::string, std::int64_t> per_status;  ///< the writer's column
    std::map<std::string, std::int64_t> waiting_per_tap;
    std::optional<std::string> oldest_recorded_at;  ///< of the oldest pour that waits
    std::vector<DaySum> days;                       ///< the newest first
    std::int64_t prunable_rows = 0;
    std::int64_t file_bytes = 0;
    std::int64_t wal_bytes = 0;
    std::int64_t free_bytes = 0;
    std::vector<LogEntry> history;  ///< oldest first
    std::vector<wire::Boot> boots;  ///< oldest first
};

inline constexpr std::int64_t max_day_sums = 1'000;

/// days: at most so many lines of Stats::days. Reads the whole table, so it takes seconds on a
/// large journal; the tap's program isn't held up. Throws storage*.
[[nodiscard]] Stats read_stats(Reading& reading, std::int64_t days);

struct SchemaObject {
    std::string type;  ///< table, index, trigger, view
    std::string name;
    std::string sql;  ///< as SQLite keeps it; empty for an index that a constraint made
};

[[nodiscard]] std::vector<SchemaObject> read_schema(Database& database);

}  // namespace tapline::journal
