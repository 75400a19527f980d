// What only the text of a CREATE TABLE tells about its columns: SQLite has no pragma for it. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tapline::journal {

struct CreateParts {
    /// By lower-case column name: "collate nocase", "as (a + 1)"; both joined by a space.
    std::map<std::string, std::string> columns;
    /// CHECKs by their name, or by their own text where they have none: "check (a > 0)". ON
    /// CONFLICT clauses stand here too, as "on conflict replace in a".
    std::map<std::string, std::string> constraints;
    /// Columns of foreign keys that are checked at COMMIT: "a", "a,b".
    std::set<std::string> deferred;
    bool autoincrement = false;
};

/// Empty for anything that isn't CREATE TABLE … (…).
[[nodiscard]] CreateParts parts_of_create(std::string_view create_sql);

}  // namespace tapline::journal
