// The writing half of settling: pours, receipts, kegs, guests.
#pragma once

#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/rows.hpp"

namespace tapline::settle {

/// Writes every row whose decision is a Charge. One whose id somebody else has put into `pours`
/// meanwhile, or that stands twice among the rows, becomes a Duplicate or a conflict instead.
void charge_rows(pg::Session& session, std::vector<SettleRow>& rows);

}  // namespace tapline::settle
