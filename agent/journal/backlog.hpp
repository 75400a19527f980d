// What is remembered of a journal's rows, so that no call walks a backlog: a card reads 20 MB/s,
// and after weeks without central there are hundreds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/journal/database.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/rows.hpp"

namespace tapline::journal {

/// Rows that one call may look at: some 1 MiB of the file.
inline constexpr Seq rows_per_look = 5'000;
/// Rows whose status one transaction may change: some 5 ms under the write lock on a Pi Zero.
inline constexpr std::int64_t rows_per_mark = 500;

/// Of the oldest pour after `acked` that has a time; nullopt when there is none, or only behind
/// many that came before the adoption: those have none.
[[nodiscard]] std::optional<std::string> oldest_recorded_at(
    Rows& rows, const Identity& identity, Seq max_seq
);

class Backlog {
  public:
    /// Both outlive this.
    Backlog(Database& database, Rows& rows) : database_(database), rows_(rows) {}

    /// Rows with seq > acked. Exact for what previous calls have counted, rows_per_look at a time;
    /// the rest counts as without holes, which only a file from before its adoption can have.
    [[nodiscard]] std::int64_t depth(Seq acked, Seq max_seq);

    /// Journal::mark_held. The newest rows first: the tap waits for its last one.
    Marked hold(Seq acked, Seq through, std::int64_t limit);

    /// Journal::heal_settled; acked as it was when the file was opened, newest rows first.
    Marked heal(Seq acked);

  private:
    Database& database_;
    Rows& rows_;
    // Rows in (counted_after_, counted_through_].
    std::int64_t counted_ = 0;
    Seq counted_after_ = 0;
    Seq counted_through_ = 0;
    // No row in (held_after_, held_through_] has status `new`.
    Seq held_after_ = 0;
    Seq held_through_ = 0;
    Seq healed_after_ = -1;  ///< no settled row above it has status `new`; -1: not begun
};

}  // namespace tapline::journal
