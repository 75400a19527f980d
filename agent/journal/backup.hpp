// Verified copies of a journal.
#pragma once

#include <filesystem>
#include <string>

#include "agent/journal/database.hpp"

namespace tapline::journal {

/// VACUUM INTO a partial file, quick_check and a row count on it, fsync, rename, fsync of the
/// directory. `<journal>.tapline-backup-<UTC>` with the journal's mode. Throws before anything has
/// changed: storage_full/"disk_full", storage/"backup_failed".
[[nodiscard]] std::filesystem::path make_backup(Database& database);

/// "20261120T180311Z": now, in a file's name.
[[nodiscard]] std::string utc_stamp();

/// Forces a file's bytes to the disk. Never call it on a database that this process has open:
/// closing the descriptor would drop SQLite's locks. Nothing happens when there is no such file.
void sync_file(const std::filesystem::path& file);

}  // namespace tapline::journal
