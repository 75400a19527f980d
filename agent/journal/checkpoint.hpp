// The one way in which we copy WAL pages back.
#pragma once

#include <cstdint>
#include <filesystem>

#include "agent/journal/database.hpp"
#include "agent/journal/wal_file.hpp"

namespace tapline::journal {

/// SQLite before 3.51.3 can lose pages when one process checkpoints while another resets the WAL.
/// A reset needs the write lock; so we checkpoint only while a sibling connection of ours has it.
class Checkpointer {
  public:
    explicit Checkpointer(Database& database);

    /// Copies what can be copied; does nothing when somebody writes or checkpoints right now. The
    /// WAL is forced to the disk first, so that the time under the write lock stays short.
    /// Returns pages that are still to be copied.
    std::int64_t run();

    /// Pages of the current round that aren't copied back yet, as far as we know.
    [[nodiscard]] std::int64_t pages_left() const;

  private:
    Database& database_;
    Database sibling_;
    std::filesystem::path wal_;
    WalPosition copied_;  ///< what our last run left behind it
};

}  // namespace tapline::journal
