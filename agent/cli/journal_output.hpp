// How the journal verbs print.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/journal/difference.hpp"
#include "agent/journal/extras.hpp"
#include "agent/journal/schema.hpp"

namespace tapline::cli {

/// One line, valid UTF-8 whatever the journal holds.
void print_json(const nlohmann::json& value);

[[nodiscard]] nlohmann::json to_json(const std::vector<journal::Difference>& differences);
[[nodiscard]] nlohmann::json to_json(const std::vector<journal::Extra>& extras);
void print_differences(const std::vector<journal::Difference>& differences);
void print_extras(const std::vector<journal::Extra>& extras);

/// "in 812 steps; the tap's program waited 34 ms at most"
void print_locks(std::int64_t steps, std::chrono::milliseconds longest_lock);

/// Stages on a terminal's stderr; silent elsewhere and with --json.
[[nodiscard]] std::function<void(std::string_view)> progress_printer(bool json);

/// A command line that can't be read. Returns the exit code.
[[nodiscard]] int report_usage(bool json, const std::string& what);

/// Runs one verb; every error becomes text or {"error":{kind,message,hint,differences}}.
/// Returns the exit code.
[[nodiscard]] int run_verb(bool json, const std::function<int()>& verb);

}  // namespace tapline::cli
