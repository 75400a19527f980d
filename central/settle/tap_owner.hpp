// Whether a pour's tap is one that its controller may report for.
#pragma once

#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/decide.hpp"
#include "central/settle/rows.hpp"

namespace tapline::settle {

/// Sets Facts::foreign_tap; one statement. Only a controller with a list of taps has foreign ones.
void mark_foreign_taps(
    pg::Session& session, const std::vector<SettleRow>& rows, std::vector<Facts>& facts
);

}  // namespace tapline::settle
