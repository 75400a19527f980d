// Is this file a journal? For files that nobody asked us to take care of.
#pragma once

#include <filesystem>

namespace tapline::journal {

/// True: an SQLite file with a table `pours`, in it or in its -wal. It isn't opened as a journal:
/// no lock is taken, nothing is made or repaired beside it, and whoever may read it may ask. A file
/// that can't be read, or is no database, holds none. Only a process that has no journal open may
/// call it (SQLite, howtocorrupt.html 2.2).
[[nodiscard]] bool holds_pours(const std::filesystem::path& file);

}  // namespace tapline::journal
