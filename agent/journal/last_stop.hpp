// What is looked at before a journal is opened whose last holder was killed or lost power.
#pragma once

#include <filesystem>

#include "agent/journal/file_lock.hpp"

namespace tapline::journal {

/// Returns `file`. Before SQLite looks at its -wal: SQLite drops every commit behind a broken frame
/// and writes the next one over them. Throws storage_corrupt/"damaged" then, and keeps the lock's
/// mark. Nothing is read when lock is nullptr or the last stop was a clean one.
[[nodiscard]] const std::filesystem::path& after_last_stop(
    const std::filesystem::path& file, FileLock* lock
);

}  // namespace tapline::journal
