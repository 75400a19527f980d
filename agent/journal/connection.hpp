// What a Database and its Statements share. For the .cpp files of this folder that call SQLite.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include <SQLiteCpp/SQLiteCpp.h>

#include "agent/journal/database.hpp"

namespace tapline::journal {

class Connection {
  public:
    Connection(const std::filesystem::path& name, int flags, const OpenOptions& options);

    /// SQLite's words as ours.
    [[noreturn]] void raise(const SQLite::Exception& error) const;

    std::filesystem::path file;
    std::optional<std::chrono::steady_clock::time_point> deadline;
    std::chrono::milliseconds longest_lock{0};
    std::chrono::milliseconds last_lock{0};
    std::unique_ptr<SQLite::Database> database;
};

}  // namespace tapline::journal
