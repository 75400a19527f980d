// A look at a journal on stable copies, before anything opens the file itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/extras.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/journal/totals.hpp"
#include "agent/journal/writer_statements.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

struct Inspection {
    Recognised shape;
    Totals totals;
    std::vector<Extra> extras;
    bool adopted = false;     ///< at j0001 or later
    Seq adopted_through = 0;  ///< 0 below j0001
    bool unfinished = false;  ///< a migration in steps was cut (step_tables.hpp)
    ObjectMap own_objects;
    std::vector<LogEntry> ledger;
    std::vector<Difference> findings;  ///< of the rehearsal (rehearse.hpp)
};

/// Whether to run the upgrade on the copy too, with the statements of the tap's program before and
/// after it (rehearse.hpp), so that whatever would fail on the live file fails here.
enum class Rehearsal { none, unless_adopted, always };

struct Rehearse {
    Rehearsal when = Rehearsal::none;
    std::optional<std::string> target = {};  ///< nullopt: as far as adoption goes
    std::string central = {};                ///< the revision that central reported
    std::vector<WriterStatement> statements = {};
};

/// What integrity_check finds in a copy, at most 20 lines, also when SQLite can't even open it;
/// empty for a sound file. `shown_as`: the name that errors tell.
[[nodiscard]] std::vector<std::string> damage_of(
    const std::filesystem::path& copy, const std::filesystem::path& shown_as
);

/// Leaves every file byte for byte as it is. Throws FileError not_a_database, damaged, foreign_wal,
/// unknown_shape, and refused/"breaks_writer".
[[nodiscard]] Inspection inspect(const std::filesystem::path& file, const Rehearse& wanted);

}  // namespace tapline::journal
