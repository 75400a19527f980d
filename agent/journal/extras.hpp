// What a technician added to the file: kept through every migration, or the migration is refused.
#pragma once

#include <string>
#include <vector>

#include "agent/journal/database.hpp"

namespace tapline::journal {

struct Extra {
    std::string type;  ///< "table", "index", "view", "trigger"
    std::string name;
    std::string table;  ///< what it stands on; its own name for tables and views
    std::string sql;
    bool works = true;  ///< false: a view or trigger that didn't compile even before us
};

/// ASCII lower case: how SQLite compares names.
[[nodiscard]] std::string normal_name(std::string_view name);

/// Everything in the file that neither the tap's releases nor tapline made. `found`: the recognised
/// shape; gen2's release made a table `events` of its own.
[[nodiscard]] std::vector<Extra> read_extras(Database& database, std::string_view found);

/// Drops the views, the triggers and the indexes on pours among them: a table under them can't be
/// rebuilt. Part of the migration's transaction.
void set_aside(Database& database, const std::vector<Extra>& extras);

/// Makes them again. Throws FileError{"unknown_shape"} naming each that can't be made, or doesn't
/// compile any more, on the table as it is now.
void put_back(Database& database, const std::vector<Extra>& extras);

}  // namespace tapline::journal
