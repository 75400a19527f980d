#include "agent/journal/step_tables.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <fmt/format.h>

#include "common/test_hook.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_has_table =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
constexpr std::string_view sql_leftovers =
    "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tapline~_step%' ESCAPE '~'";
constexpr std::string_view sql_state = "SELECT job, schema, through, swapped FROM tapline_step";
constexpr std::string_view sql_make_state =
    "CREATE TABLE tapline_step (id INTEGER PRIMARY KEY CHECK (id = 1), job TEXT NOT NULL, schema "
    "INTEGER NOT NULL, through INTEGER NOT NULL DEFAULT -9223372036854775808, swapped INTEGER NOT "
    "NULL DEFAULT 0)";
constexpr std::string_view sql_begin =
    "INSERT INTO tapline_step (id, job, schema) VALUES (1, ?1, ?2)";
constexpr std::string_view sql_schema = "PRAGMA schema_version";
/// Rows beyond `through` are read later anyway, so a plain INSERT costs the tap one look-up. Not
/// INSERT OR IGNORE: an UPDATE OR FAIL of the tap would put its own OR in place of that (SQLite,
/// CREATE TRIGGER), and fail on the second change of a row.
constexpr std::string_view sql_capture =
    "CREATE TABLE tapline_step_changed (row INTEGER PRIMARY KEY);"
    "CREATE TRIGGER tapline_step_on_insert AFTER INSERT ON pours "
    "WHEN NEW.rowid <= (SELECT s.through FROM tapline_step AS s) BEGIN "
    "INSERT INTO tapline_step_changed (row) SELECT NEW.rowid WHERE NOT EXISTS "
    "(SELECT 1 FROM tapline_step_changed AS c WHERE c.row = NEW.rowid); END;"
    "CREATE TRIGGER tapline_step_on_update AFTER UPDATE ON pours BEGIN "
    "INSERT INTO tapline_step_changed (row) SELECT OLD.rowid WHERE NOT EXISTS "
    "(SELECT 1 FROM tapline_step_changed AS c WHERE c.row = OLD.rowid); "
    "INSERT INTO tapline_step_changed (row) SELECT NEW.rowid WHERE NOT EXISTS "
    "(SELECT 1 FROM tapline_step_changed AS c WHERE c.row = NEW.rowid); END;"
    "CREATE TRIGGER tapline_step_on_delete AFTER DELETE ON pours BEGIN "
    "INSERT INTO tapline_step_changed (row) SELECT OLD.rowid WHERE NOT EXISTS "
    "(SELECT 1 FROM tapline_step_changed AS c WHERE c.row = OLD.rowid); END";
constexpr std::string_view sql_drop_capture =
    "DROP TRIGGER IF EXISTS tapline_step_on_insert; DROP TRIGGER IF EXISTS tapline_step_on_update; "
    "DROP TRIGGER IF EXISTS tapline_step_on_delete; DROP TABLE IF EXISTS tapline_step_changed";
constexpr std::string_view sql_drop_state = "DROP TABLE IF EXISTS tapline_step";

constexpr std::int64_t first_rows = 100;
constexpr std::int64_t min_rows = 20;
constexpr std::int64_t max_wal_pages = 400;

constexpr std::array<std::string_view, 4> big_tables{
    pours_table.shadow, left_table.shadow, pours_table.gone, left_table.gone};

void empty_and_drop(Database& database, std::string_view table, Pace& pace) {
    if (!has_table(database, table)) {
        return;
    }
    const auto sql = fmt::format(
        "DELETE FROM {0} WHERE rowid IN (SELECT rowid FROM {0} ORDER BY rowid LIMIT ?1)", table
    );
    pace.run([&](std::int64_t rows) {
        Transaction transaction(database);
        const auto deleted = database.prepare(sql).bind(1, rows).run();
        if (deleted < rows) {
            database.exec(fmt::format("DROP TABLE {}", table));
        }
        transaction.commit();
        test_stop_at("steps.discard");
        return deleted == rows;
    });
}

}  // namespace

bool has_table(Database& database, std::string_view name) {
    auto row = database.prepare(sql_has_table);
    row.bind(1, name);
    return row.step() && row.integer(0) != 0;
}

std::optional<StepState> step_state(Database& database) {
    if (!has_table(database, "tapline_step")) {
        return std::nullopt;
    }
    auto row = database.prepare(sql_state);
    if (!row.step()) {
        return StepState{};
    }
    return StepState{row.text(0), row.integer(1), row.integer(2), row.integer(3) != 0};
}

bool has_step_leftovers(Database& database) {
    return database.integer(sql_leftovers) != 0;
}

std::int64_t schema_cookie(Database& database) {
    return database.integer(sql_schema);
}

void begin_steps(
    Database& database, const std::string& job, const std::vector<std::string>& shadows
) {
    database.exec(sql_make_state);
    database.exec(sql_capture);
    for (const auto& create : shadows) {
        database.exec(create);
    }
    database.prepare(sql_begin).bind(1, job).bind(2, schema_cookie(database)).run();
}

void rows_moved(const Database& database, std::string_view why) {
    throw Error(
        ErrorKind::storage_busy,
        std::string(rows_moved_code),
        fmt::format("{}: {}", database.file().string(), why),
        "The pours are as they were; the migration begins anew."
    );
}

void drop_capture(Database& database) {
    database.exec(sql_drop_capture);
}

Pace::Pace(Database& database, const StepLimits& limits)
    : database_(database),
      limits_(limits),
      checkpointer_(database),
      rows_(std::min(first_rows, limits.max_rows)) {}

std::chrono::milliseconds Pace::checkpoint_if_long() {
    if (checkpointer_.pages_left() <= max_wal_pages) {
        return {};
    }
    checkpointer_.run();
    longest_checkpoint_ = std::max(longest_checkpoint_, checkpointer_.last_lock());
    return checkpointer_.last_lock();
}

void Pace::run(const std::function<bool(std::int64_t rows)>& slice) {
    for (bool more = true; more;) {
        more = slice(rows_);
        ++steps_;
        // One right after the other: a waiting tap sees them as one.
        const auto locked = database_.last_lock() + checkpoint_if_long();
        rows_ = locked > limits_.lock_budget / 2 ? rows_ / 2 : rows_ + rows_ / 4 + 1;
        rows_ = std::clamp(rows_, std::min(min_rows, limits_.max_rows), limits_.max_rows);
        std::this_thread::sleep_for(limits_.pause);
    }
}

std::chrono::milliseconds discard_steps(Database& database, const StepLimits& limits) {
    if (!has_step_leftovers(database)) {
        return {};
    }
    {
        Transaction transaction(database);
        drop_capture(database);
        transaction.commit();
    }
    Pace pace(database, limits);
    for (const auto table : big_tables) {
        empty_and_drop(database, table, pace);
    }
    Transaction transaction(database);
    database.exec(sql_drop_state);
    transaction.commit();
    return pace.longest_checkpoint();
}

}  // namespace tapline::journal
