// What must not change in a revision once it was applied anywhere.
#pragma once

#include <string>

#include "common/revision/revision.hpp"

namespace tapline::revision {

/// SHA-256, 64 hex digits, over: id, revises, phase, requires*, labels, depends on, irreversible,
/// each section's options and batch steps, and its SQL tokens. Comments, white space, line ends,
/// message, date and file name don't count; literals and dollar bodies count byte by byte.
/// Frozen: databases in the field keep it. A change of this function makes every applied file
/// look edited.
[[nodiscard]] std::string digest(const Revision& revision);

}  // namespace tapline::revision
