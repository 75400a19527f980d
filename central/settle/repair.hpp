// A quarantined row as an operator reads it. Pure.
#pragma once

#include <variant>

#include "central/settle/quarantine.hpp"
#include "common/pour.hpp"
#include "common/row_hash.hpp"

namespace tapline::settle {

/// The row with the operator's values in place, and with what makes it unreadable but isn't needed
/// for the charge left out. A Rejection is what no word can replace: a volume, or a card or tap
/// that nobody named.
[[nodiscard]] std::variant<CleanPour, Rejection> repair(
    RawPour row, const RowHash& hash, const Override& instead
);

}  // namespace tapline::settle
