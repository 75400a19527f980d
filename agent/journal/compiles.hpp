// Whether views and triggers still compile: SQLite takes many that don't, and says so only to the
// tap that next writes.
#pragma once

#include <optional>
#include <string>

#include "agent/journal/database.hpp"

namespace tapline::journal {

/// Compiles without running; the error's text when that fails.
[[nodiscard]] std::optional<std::string> compile_error(Database& database, const std::string& sql);

[[nodiscard]] std::optional<std::string> view_error(Database& database, const std::string& view);

/// A statement of each kind on the table compiles every trigger on it.
[[nodiscard]] std::optional<std::string> trigger_error(
    Database& database, const std::string& table
);

}  // namespace tapline::journal
