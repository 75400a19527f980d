// Tokens -> statements.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/revision/tokens.hpp"

namespace tapline::revision {

/// A statement's tokens as indices: first token to last, both not trivia, no final semicolon.
struct StatementRange {
    std::size_t first = 0;
    std::size_t last = 0;
    bool complete = true;  ///< false: a trigger or BEGIN ATOMIC body, or a bracket, is left open
};

/// SQLite: at semicolons; a trigger ends at `; END ;`, as in sqlite3_complete().
/// PostgreSQL: at semicolons outside brackets and BEGIN ATOMIC … END, as psql does.
/// Empty statements are dropped; the last one needs no semicolon.
[[nodiscard]] std::vector<StatementRange> split(std::span<const Token> tokens, Dialect dialect);

}  // namespace tapline::revision
