// Where a revision stands that commits in several pieces: one row per revision in
// tapline.revision_progress, written in the transaction of what it tells of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::revision {

struct HalfDone {
    LineageName lineage = LineageName::app;
    std::string id;
    Direction direction = Direction::upgrade;
    std::string digest;       ///< of the file that began
    std::int64_t pieces = 0;  ///< done
    bool started = false;     ///< the next piece, one that runs alone, may have happened
    std::string before;       ///< what the catalog said before it
    std::string last_key;     ///< of the batch step: its cursor; empty: at the beginning
    std::int64_t rows = 0;    ///< of the batch step, so far
    std::string began_at;     ///< ISO 8601, UTC
};

/// Throws as pg::Session does. All but bootstrap and the reading ones need an open transaction.
class HalfDoneLedger {
  public:
    explicit HalfDoneLedger(pg::Session& session) : session_(session) {}

    /// Makes the table where it is missing.
    void bootstrap();

    /// Of the lineage, by id; empty without the table.
    [[nodiscard]] std::vector<HalfDone> all(LineageName lineage);
    [[nodiscard]] std::optional<HalfDone> find(LineageName lineage, const std::string& id);

    /// Inserts the row, or replaces what changes in it.
    void write(const HalfDone& row);
    void remove(const HalfDone& row);

  private:
    pg::Session& session_;
};

/// What bootstrap runs, for a script.
[[nodiscard]] std::string_view half_done_table_sql() noexcept;

}  // namespace tapline::revision
