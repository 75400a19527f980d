// Runs revisions on a journal: all steps of one call in one transaction, each with its log entry,
// so that a journal is at exactly one known revision at any time, also after kill -9. Rows that are
// too many for it go into a shadow table first (stepped.hpp).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/database.hpp"
#include "agent/journal/extras.hpp"
#include "agent/journal/known_shapes.hpp"
#include "common/pour.hpp"
#include "common/revision/plan.hpp"

namespace tapline::journal {

/// The tap's program waits 5 s for a lock (Python's default); a migration must be over long before.
inline constexpr std::chrono::milliseconds migration_deadline{2000};
inline constexpr int migration_attempts = 3;

/// A migration that doesn't fit one transaction (stepped.hpp).
struct StepLimits {
    bool at_once = false;  ///< without trying one transaction first
    /// A slice of rows has half of it; slices grow and shrink by what the last one took.
    std::chrono::milliseconds lock_budget{50};
    /// SQLite's own busy handler looks every 25 ms in its first 100: one look falls into it.
    std::chrono::milliseconds pause{30};
    std::int64_t max_rows = 800;  ///< a slice; keeps the WAL below 1000 frames
    std::chrono::milliseconds swap_deadline = migration_deadline;
};

struct MigrateOptions {
    /// nullopt: no limit; for when the tap's program is stopped.
    std::optional<std::chrono::milliseconds> deadline = migration_deadline;
    /// nullopt: never in steps.
    std::optional<StepLimits> steps = StepLimits{};
    /// SQL that the tap's program sends, besides that of its releases; adopt.hpp rehearses it.
    std::vector<std::string> writer_statements;
    /// Told before each thing that is done ("j0001 upgrade 3/14"); for progress on a terminal.
    std::function<void(std::string_view)> progress;
    /// Asked with what would run, before anything does; throws to refuse. May be empty.
    std::function<void(const revision::Lineage&, const revision::Plan&)> check;
};

struct MigrateResult {
    std::string found;    ///< shape before: "gen5", "gen4+short_id", "empty", "j0001"
    std::string current;  ///< revision after
    std::map<std::string, std::int64_t> rows;  ///< pours per status before; NULL counts as ""
    std::vector<Extra> kept;                   ///< a technician's additions
    bool changed = false;
    std::int64_t steps = 0;                     ///< transactions that moved rows; 0: it went in one
    std::chrono::milliseconds longest_lock{0};  ///< for which the tap's program couldn't write
};

/// target: a revision id, "head", "+1" … (common/revision/resolve.hpp). Entry shapes go straight to
/// j0001 or beyond. What misses its deadline goes in steps where rows can (stepped.hpp). Throws
/// FileError{"unknown_shape"}, storage_busy/"too_slow" when that can't be or its last step doesn't
/// fit either, storage_busy/"busy", and the errors of plan_upgrade.
MigrateResult upgrade(
    Database& database, std::string_view target, const MigrateOptions& options = {}
);

/// Also takes down revisions that only a newer program knew, by the SQL that it left in the log.
MigrateResult downgrade(
    Database& database, std::string_view target, const MigrateOptions& options = {}
);

/// nullopt when there is something to do; else what the verb would return without doing anything.
/// Asks options.check.
[[nodiscard]] std::optional<MigrateResult> preview(
    Database& database,
    revision::Direction direction,
    std::string_view target,
    const MigrateOptions& options = {}
);

/// Writes down that the file is at `target` without running anything. Refused ("unknown_shape")
/// unless its shape is that revision's.
MigrateResult stamp(Database& database, std::string_view target);

}  // namespace tapline::journal
