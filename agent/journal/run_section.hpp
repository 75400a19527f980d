// One section of a revision on SQLite, inside the caller's transaction.
//
// A rebuild follows the order of SQLite's page (ALTER TABLE, section 7, "Making Other Kinds Of
// Table Schema Changes"), with legacy_alter_table=ON, so that views and foreign keys that name the
// table keep meaning it. Kept: rows, rowids, indexes, triggers, AUTOINCREMENT's memory, views.
//
// Errors besides Database's own:
//   usage/"rebuild_table"    there is no such table, or a column of drop= isn't one that goes
//   refused/"column_lost"    the new definition lacks a column that drop= doesn't name
//   refused/"part_broken"    an index, trigger or view doesn't fit the new definition
//   refused/"rows_lost"      the new table doesn't hold every row, or breaks a foreign key
#pragma once

#include <cstddef>
#include <functional>

#include "agent/journal/database.hpp"
#include "common/revision/revision.hpp"

namespace tapline::journal {

/// before: told the number of each statement, from 1, before it runs; may be empty.
void run_statements(
    Database& database,
    const revision::Section& section,
    const std::function<void(std::size_t number)>& before = {}
);

}  // namespace tapline::journal
