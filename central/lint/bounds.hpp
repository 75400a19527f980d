// How many rows of a table a statement can touch: a handful that its text names, or as many as
// there are.
#pragma once

#include <string>

#include "central/lint/catalog.hpp"
#include "central/lint/node.hpp"

namespace tapline::lint {

/// Rows are named one by one: by a unique key, by ctid, or by a sub-select with LIMIT. A table that
/// isn't known is taken to have the usual key: id, <table>_id, key, name …
[[nodiscard]] bool is_bounded(const Catalog& catalog, const std::string& table, Node where);

/// Of a SELECT: LIMIT, VALUES, no table of existing rows, an aggregate over nothing, or is_bounded.
/// scanned: the table that it would read whole.
[[nodiscard]] bool is_bounded_query(const Catalog& catalog, Node select, std::string& scanned);

/// UPDATE … FROM or DELETE … USING something that is itself bounded.
[[nodiscard]] bool joins_bounded(const Catalog& catalog, Node statement, Node from_clause);

}  // namespace tapline::lint
