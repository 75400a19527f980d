// Some rows of a journal, taken through a migration apart from the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/schema_run.hpp"
#include "agent/journal/step_tables.hpp"

namespace tapline::journal {

/// Runs the very SQL of the plan on a slice in memory, so that a row comes out as the migration in
/// one transaction makes it. That holds for sections that make each row of itself and of its row in
/// tapline_left alone; a section that looks at other rows can't go in steps.
class Slicer {
  public:
    /// Reads the file's schema; it must stay as it is meanwhile.
    Slicer(const Run& run, const Work& work);

    /// CREATE statements of the shadow tables.
    [[nodiscard]] const std::vector<std::string>& shadows() const noexcept { return shadows_; }

    /// The rows that a query names by rowid, as the plan makes them; the file is only read. Throws
    /// rows_moved for a row that would get another number.
    [[nodiscard]] Database take(const std::vector<std::int64_t>& rows) const;

    /// Writes what `take` gave into the shadows, where these rows aren't. In the caller's
    /// transaction. Throws data/"constraint" when another row has such an id there: the tap has
    /// replaced it, which no trigger tells (SQLite, REPLACE).
    void put(Database& slice) const;
    /// Takes rows out of the shadows. In the caller's transaction.
    void remove(const std::vector<std::int64_t>& rows) const;

    /// Creates the old tables without rows under their own names. In the caller's transaction.
    void create_empty() const;
    /// The old tables out of the way, the shadows in their place, with the triggers and indexes of
    /// the new ones. `between` runs the plan on the empty ones.
    void swap(const std::function<void()>& between) const;

  private:
    struct Moved {
        RowTable table;
        std::vector<std::string> columns;  ///< quoted, without the rowid and its alias
    };

    [[nodiscard]] Database empty_slice() const;
    void run(Database& slice) const;
    [[nodiscard]] std::vector<std::int64_t> left_rows_of(Database& slice) const;

    const Run& run_;
    const Work& work_;
    std::vector<std::string> tables_;    ///< CREATE texts of pours and tapline's
    std::vector<std::string> triggers_;  ///< tapline's own on pours
    std::vector<std::string> trigger_names_;
    std::vector<std::string> shadows_;
    std::vector<Moved> from_;
    std::vector<Moved> to_;
};

}  // namespace tapline::journal
