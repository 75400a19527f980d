// tapline_revision: every step that was ever made on this file, in the file itself. It belongs to
// the executor, not to a revision, and stays through every downgrade.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/database.hpp"
#include "common/revision/revision.hpp"

namespace tapline::journal {

struct LogEntry {
    std::string revision;
    std::string revises;    ///< its parent, so that a program that doesn't know it can step down
    std::string direction;  ///< "upgrade", "adopt" (from an entry shape), "downgrade", "stamp"
    std::string found;      ///< the shape that was there before: "gen5", "gen4+short_id", "empty"
    std::string current_after;  ///< where the file is once this entry is written
    std::string digest;
    std::string applied_at;      ///< UTC, by the device's clock
    std::int64_t first_seq = 1;  ///< pours from here on have this revision's shape
    std::int64_t duration_ms = 0;
    std::string agent_version;
    std::string downgrade_sql;  ///< Section::raw as it was applied; empty when irreversible
};

[[nodiscard]] bool has_ledger(Database& database);
/// Oldest first; empty without a ledger.
[[nodiscard]] std::vector<LogEntry> read_ledger(Database& database);
/// The newest entry's current_after; nullopt without a ledger or entry.
[[nodiscard]] std::optional<std::string> ledger_revision(Database& database);
/// Makes the table when it is missing. Part of the step's own transaction.
void append_ledger(Database& database, const LogEntry& entry);

}  // namespace tapline::journal
