// The one way in which we copy WAL pages back.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "agent/journal/database.hpp"
#include "agent/journal/wal_file.hpp"

namespace tapline::journal {

/// SQLite before 3.51.3 can lose pages when one process checkpoints while another resets the WAL
/// (https://sqlite.org/wal.html#walresetbug). No writer resets a WAL that a reader looks at
/// (https://sqlite.org/walformat.html#wal_locks: WAL_READ_LOCK 1 to 4). So one connection of ours
/// takes such a read mark, and a sibling copies back meanwhile. The write lock is held only for the
/// microseconds in which we make sure which kind of mark it is: however slow the card syncs, the
/// tap doesn't wait for it.
///
/// A tap that pours faster than the card syncs never lets that come to an end. A WAL that has grown
/// past 400 pages is therefore finished under the write lock, before the writer's own
/// autocheckpoint at 1000 meets ours.
class Checkpointer {
  public:
    explicit Checkpointer(Database& database);

    /// Copies what can be copied; does nothing when somebody writes or checkpoints right now.
    /// Returns pages that are still to be copied.
    std::int64_t run();

    /// Pages of the current round that aren't copied back yet, as far as we know.
    [[nodiscard]] std::int64_t pages_left() const;

    /// How long the last run kept writers out for more than it takes to look.
    [[nodiscard]] std::chrono::milliseconds last_lock() const noexcept { return last_lock_; }

  private:
    void copy_back_beside_writers();
    void copy_back_alone();

    Database& database_;
    Database sibling_;
    std::chrono::milliseconds last_lock_{0};
    std::filesystem::path wal_;
    WalPosition copied_;  ///< what our last run left behind it
};

}  // namespace tapline::journal
