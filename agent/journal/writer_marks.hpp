// What the tap's program and its old sync loop leave in the rows: which release writes, and whether
// somebody but us changes the status of pours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/journal/database.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

/// The releases of the tap's program that the newest pour of a guest may come from, as far as it
/// matters for switching their sync loop off.
enum class WriterRelease {
    unknown,           ///< there is no such pour yet
    before_settings,   ///< to 2026-02-25: a round every 10 s, no setting
    around_settings,   ///< 2026-02-25 to 27: SYNC_INTERVAL_SECONDS counts from the second day's on
    honours_settings,  ///< from 2026-02-27: it counts
};

[[nodiscard]] WriterRelease writer_release(Database& database);

/// How one row's marks changed.
struct Mark {
    Seq seq = 0;
    std::string status;
    std::int64_t attempts = 0;  ///< more than before
};

/// Looks at the rows that an old sync loop would take next, by the statement that it takes them by,
/// and at those that are added. Meanwhile no agent may work on the journal: whoever changes one of
/// them is the loop.
class MarkWatch {
  public:
    /// At most 20 rows, as many as the loop takes.
    explicit MarkWatch(Database& database);

    /// A row that is `new`, with no attempts.
    void add(Seq seq);
    /// The first one found.
    [[nodiscard]] std::optional<Mark> changed();

  private:
    struct Row {
        Seq seq = 0;
        std::int64_t attempts = 0;
    };

    std::vector<Row> rows_;
    Statement look_;
};

}  // namespace tapline::journal
