// Database::overwrite, apart because it is the one place that uses SQLite's backup API.
#include <memory>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/connection.hpp"
#include "agent/journal/database.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

/// Between two looks at the clock; some 2 ms on a Pi Zero.
constexpr int pages_per_step = 64;

/// Finishing an unfinished backup rolls its transaction back (SQLite, sqlite3_backup_finish).
struct Finish {
    void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
};

}  // namespace

bool Database::overwrite(
    Database& source,
    const std::function<bool()>& go,
    std::optional<std::chrono::milliseconds> limit
) {
    auto* const target = connection_->database->getHandle();
    const auto check = [&](int code) {
        if (code != SQLITE_OK) {
            connection_->raise(SQLite::Exception(target, code));
        }
    };
    std::unique_ptr<sqlite3_backup, Finish> backup(
        sqlite3_backup_init(target, "main", source.connection_->database->getHandle(), "main")
    );
    if (!backup) {
        connection_->raise(SQLite::Exception(target, sqlite3_extended_errcode(target)));
    }
    // No page yet: takes the locks.
    check(sqlite3_backup_step(backup.get(), 0));
    const auto locked_at = std::chrono::steady_clock::now();
    if (!go()) {
        return false;
    }
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(backup.get(), pages_per_step);
        const bool late = limit && std::chrono::steady_clock::now() - locked_at > *limit;
        if (code == SQLITE_OK && late) {
            throw Error(
                ErrorKind::storage_busy,
                "deadline",
                fmt::format("{}: it takes too long beside the tap's program", file().string()),
                "It was rolled back; nothing has changed."
            );
        }
    }
    if (code != SQLITE_DONE) {
        check(code);
    }
    check(sqlite3_backup_finish(backup.release()));
    return true;
}

}  // namespace tapline::journal
