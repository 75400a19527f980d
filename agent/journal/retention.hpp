// Which pours a journal needn't keep any more, and their removal.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "agent/journal/ages.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/rows.hpp"

namespace tapline::journal {

/// Keeps ages in `<real path>.tapline.ages`, written at most once an hour, and only when pours were
/// acked since. Losing the file only makes pours stay longer.
class Retention {
  public:
    Retention(std::filesystem::path real_journal, const std::string& journal_id);

    /// Removes pours that central has in a verified backup (prunable_through), that have been acked
    /// for order.keep, and are not the newest. One transaction of order.rows at most, with
    /// pruned_through in it. Throws storage*.
    [[nodiscard]] Pruned prune(
        Database& database, Rows& rows, Cursor& cursor, const PruneOrder& order
    );

    /// Writes the running time down before an orderly stop.
    void note_running(std::chrono::seconds running);

  private:
    void write();

    std::filesystem::path file_;
    Ages ages_;
    std::chrono::seconds before_{};   ///< running time of earlier openings
    std::chrono::seconds written_{};  ///< running time that the file knows
};

}  // namespace tapline::journal
