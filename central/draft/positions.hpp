// The order of columns, which a catalog for comparison leaves out.
#pragma once

#include "central/draft/draft.hpp"
#include "central/pg/session.hpp"

namespace tapline::draft {

/// Of every table of users. Throws as pg::Session.
[[nodiscard]] Positions read_positions(pg::Session& session);

}  // namespace tapline::draft
