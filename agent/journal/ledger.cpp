#include "agent/journal/ledger.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_create =
    "CREATE TABLE IF NOT EXISTS tapline_revision ("
    "id INTEGER PRIMARY KEY, revision TEXT NOT NULL, revises TEXT NOT NULL, direction TEXT NOT "
    "NULL, "
    "found TEXT NOT NULL, current_after TEXT NOT NULL, digest TEXT NOT NULL, "
    "applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), first_seq INTEGER "
    "NOT NULL, "
    "duration_ms INTEGER NOT NULL, agent_version TEXT NOT NULL, downgrade_sql TEXT NOT NULL)";
constexpr std::string_view sql_exists =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'tapline_revision'";
constexpr std::string_view sql_append =
    "INSERT INTO tapline_revision (revision, revises, direction, found, current_after, digest, "
    "first_seq, "
    "duration_ms, agent_version, downgrade_sql) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
constexpr std::string_view sql_read =
    "SELECT revision, revises, direction, found, current_after, digest, applied_at, first_seq, "
    "duration_ms, "
    "agent_version, downgrade_sql FROM tapline_revision ORDER BY id";
constexpr std::string_view sql_current =
    "SELECT current_after FROM tapline_revision ORDER BY id DESC LIMIT 1";

}  // namespace

bool has_ledger(Database& database) {
    return database.integer(sql_exists) != 0;
}

std::vector<LogEntry> read_ledger(Database& database) {
    std::vector<LogEntry> entries;
    if (!has_ledger(database)) {
        return entries;
    }
    auto row = database.prepare(sql_read);
    while (row.step()) {
        LogEntry entry;
        entry.revision = row.text(0);
        entry.revises = row.text(1);
        entry.direction = row.text(2);
        entry.found = row.text(3);
        entry.current_after = row.text(4);
        entry.digest = row.text(5);
        entry.applied_at = row.text(6);
        entry.first_seq = row.integer(7);
        entry.duration_ms = row.integer(8);
        entry.agent_version = row.text(9);
        entry.downgrade_sql = row.text(10);
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::optional<std::string> ledger_revision(Database& database) {
    if (!has_ledger(database)) {
        return std::nullopt;
    }
    auto row = database.prepare(sql_current);
    return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

void append_ledger(Database& database, const LogEntry& entry) {
    database.exec(sql_create);
    database.prepare(sql_append)
        .bind(1, entry.revision)
        .bind(2, entry.revises)
        .bind(3, entry.direction)
        .bind(4, entry.found)
        .bind(5, entry.current_after)
        .bind(6, entry.digest)
        .bind(7, entry.first_seq)
        .bind(8, entry.duration_ms)
        .bind(9, entry.agent_version)
        .bind(10, entry.downgrade_sql)
        .run();
}

}  // namespace tapline::journal
