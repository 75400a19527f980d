// `-- tapline: rebuild`: a table of SQLite gets another definition, which ALTER TABLE can't give.
#pragma once

#include <span>

#include "common/revision/directive.hpp"
#include "common/revision/revision.hpp"
#include "common/revision/split.hpp"

namespace tapline::revision {

/// Throws revision_syntax for PostgreSQL, for names that aren't plain, and when the statement after
/// it isn't the one CREATE TABLE of that table: not TEMP, no IF NOT EXISTS, no schema, no AS
/// SELECT.
[[nodiscard]] Rebuild read_rebuild(
    const Source& source,
    std::span<const Token> tokens,
    std::span<const StatementRange> ranges,
    const Directive& directive
);

}  // namespace tapline::revision
