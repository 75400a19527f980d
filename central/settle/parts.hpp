// The steps of a settling transaction that group and one-by-one share. Private to central/settle.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/group.hpp"
#include "central/settle/position.hpp"
#include "central/settle/rows.hpp"

namespace tapline::settle {

/// One batch on its way through the transaction.
struct Part {
    const Prepared* batch = nullptr;
    Cursor cursor;
    std::size_t first = 0;  ///< index of the first row to settle
    std::optional<wire::Problem> refused;
    /// Set: none of its rows is settled, all go into quarantine for this.
    std::optional<std::variant<CleanPour, Rejection>> kept;
};

struct Move {
    const Prepared* batch = nullptr;
    std::size_t last = 0;  ///< index of the last row that is settled now
};

/// Limits and durability of the transaction; the reason when settling is to keep still.
[[nodiscard]] std::optional<std::string> begin_settling(
    pg::Session& session, const GroupOptions& options
);

/// Locks the cursors, in journal order, and tells for each batch where it stands.
[[nodiscard]] std::vector<Part> place_batches(
    pg::Session& session, const std::vector<const Prepared*>& batches
);

/// The part must stay where it is while the row is used.
[[nodiscard]] SettleRow row_of(const Part& part, std::size_t index);

void move_cursors(pg::Session& session, const std::vector<Move>& moves);

/// The answer to a whole batch, with what earlier transactions put into quarantine of it.
[[nodiscard]] wire::Ack ack_of(pg::Session& session, const Part& part);

void commit_settling(pg::Transaction& transaction);

}  // namespace tapline::settle
