// A look at a journal on stable copies, before anything opens the file itself.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/journal/extras.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/journal/totals.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

struct Inspection {
    Recognised shape;
    Totals totals;
    std::vector<Extra> extras;
    bool adopted = false;     ///< at j0001 or later
    Seq adopted_through = 0;  ///< 0 below j0001
    ObjectMap own_objects;
    std::vector<LogEntry> ledger;
};

/// Whether to run the upgrade to head on the copy too, and to try the newest release's INSERT
/// there, so that whatever would fail on the live file fails here.
enum class Rehearsal { none, unless_adopted, always };

/// Leaves every file byte for byte as it is. Throws FileError not_a_database, damaged, foreign_wal,
/// unknown_shape.
[[nodiscard]] Inspection inspect(const std::filesystem::path& file, Rehearsal rehearsal);

}  // namespace tapline::journal
