// Which SQLite another program works with, as the kernel and the library's own file show it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/doctor/look.hpp"

namespace tapline::doctor {

/// The WAL-reset bug (SQLite 3.51.3, release notes) is mended in 3.51.3, 3.50.7 and 3.44.6.
[[nodiscard]] bool has_reset_bug(const std::string& version);

/// "3.40.1": what sqlite3_libversion() returns stands in the library as a text of its own. nullopt:
/// none, or several.
[[nodiscard]] std::optional<std::string> version_in(std::string_view library);

struct MappedSqlite {
    std::string file;     ///< as the process knows it
    std::string version;  ///< empty: the file is gone, larger than 16 MiB, or doesn't tell
};

/// Of the mapped files with "sqlite3" in their name the first that tells, or the first one:
/// Python's own module isn't the library (proc_pid_maps(5)). nullopt: there is none, or we may not
/// look.
[[nodiscard]] std::optional<MappedSqlite> mapped_sqlite(const Look& look, std::int64_t pid);

}  // namespace tapline::doctor
