// What is this file, is it sound, and what should be done next? Nothing is changed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/difference.hpp"
#include "agent/journal/extras.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/totals.hpp"

namespace tapline::journal {

struct CheckReport {
    std::string
        recognised;  ///< "gen5", "gen4+short_id", "j0001", "empty"; nearest shape when unknown
    bool adopted = false;
    bool unfinished = false;  ///< a migration in steps is under way or was cut
    std::string problem;      ///< empty, or the code of what is wrong: unknown_shape, damaged, …,
                              ///< drift,
                              ///< breaks_writer, positional_insert, statement_fails
    std::vector<Difference> differences;
    std::vector<Extra> extras;
    Totals totals;
    std::string advice;  ///< one sentence; never empty
};

/// Looks at a stable copy. Throws only what keeps it from looking: wrong_owner, no_such_directory,
/// storage errors, newer_revision, revision_changed.
/// writer_statements: what the tap's program sends (writer_statements.hpp). Problems of theirs:
/// breaks_writer (the next upgrade would break one), positional_insert, statement_fails (one
/// doesn't work now).
[[nodiscard]] CheckReport check(
    const std::filesystem::path& file, const std::vector<std::string>& writer_statements = {}
);

struct Current {
    std::string name;  ///< revision or shape
    std::string head;  ///< of this program
};

/// Both look at a stable copy too. Throw as inspect.
[[nodiscard]] Current current(const std::filesystem::path& file);
[[nodiscard]] std::vector<LogEntry> history(const std::filesystem::path& file);

}  // namespace tapline::journal
