// tapline_salvage: what a salvage (docs/salvage.md) noted of single rows, and its report. The table
// is only there after one; like the log it belongs to the program and not to a revision.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/journal/database.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

[[nodiscard]] bool has_salvage_notes(Database& database);

/// Adds the note as a column (common/salvage_note.hpp), in its place.
void put_note(RawPour& pour, std::string evidence);

/// Writes into a new journal; makes the table.
class SalvageNotes {
  public:
    explicit SalvageNotes(Database& database);

    void add_row(Seq seq, std::string_view evidence);
    /// Its row stands for no pour: it tells central of the salvage.
    void add_report(Seq seq, std::string_view report);

  private:
    Statement add_;
};

/// Whether the epoch of the last salvage hasn't begun yet. Both ask for no table.
[[nodiscard]] bool salvage_epoch_due(Database& database);
/// It begins now; part of the caller's transaction.
void note_salvage_epoch(Database& database, std::int64_t epoch);

}  // namespace tapline::journal
