// Where a batch stands against central's cursor. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "central/settle/prepare.hpp"

namespace tapline::settle {

struct Cursor {
    std::string controller;
    Seq cursor = 0;
    RowHash hash{};
    Seq prunable_through = 0;
    std::int64_t last_release = 0;
    bool contested = false;    ///< two devices show this journal at once
    bool closed = false;       ///< an operator decided for another side
    bool many_epochs = false;  ///< a row of it may have been settled in another epoch
};

/// Index of the first row that isn't settled yet (rows.size(): none), or why the batch can't be
/// taken: unknown_journal, not_yours, two_alive, epoch_closed, gap, fork.
[[nodiscard]] std::variant<std::size_t, wire::Problem> position(
    const Prepared& batch, const std::optional<Cursor>& cursor
);

}  // namespace tapline::settle
