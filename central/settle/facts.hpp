// What PostgreSQL knows about the ids, cards and taps of some rows.
#pragma once

#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/rows.hpp"

namespace tapline::settle {

/// One per row, in order; two statements at most. Rows that the validator refused are looked up by
/// their id alone.
[[nodiscard]] std::vector<Facts> find_facts(
    pg::Session& session, const std::vector<SettleRow>& rows
);

/// The card, tap and volume that a refused row names, as far as they can be read; for comparing it
/// with a pour of the same id. nullopt when one of them is missing or mistyped.
[[nodiscard]] std::optional<CleanPour> readable_part(const RawPour& raw);

}  // namespace tapline::settle
