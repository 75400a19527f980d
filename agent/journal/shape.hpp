// The shape of one table: what it is apart from the order of its columns and the spelling of its
// CREATE statement. Releases of the tap's program appended columns by ALTER, so order says nothing.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/database.hpp"
#include "agent/journal/difference.hpp"

namespace tapline::journal {

struct TableShape {
    std::map<std::string, std::string>
        columns;                  ///< lower-case name -> "INTEGER NOT NULL DEFAULT 0"
    std::set<std::string> rules;  ///< "primary key (a)", "unique (b)", "check (…)", "strict", …
    bool operator==(const TableShape&) const = default;
};

/// nullopt when there is no such table (a view of that name isn't one). Indexes that somebody made
/// by CREATE INDEX are not part of a table's shape, and neither is AUTOINCREMENT.
[[nodiscard]] std::optional<TableShape> read_table(Database& database, std::string_view table);

[[nodiscard]] std::vector<Difference> compare_tables(
    std::string_view table, const TableShape& expected, const TableShape& found
);

}  // namespace tapline::journal
