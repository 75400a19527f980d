// What two SQLite files differ in, whatever they hold: `journal diff`. Column order, spelling, data
// and what SQLite keeps for itself (sqlite_*, tables of a virtual table) don't count.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/journal/database.hpp"
#include "agent/journal/difference.hpp"

namespace tapline::journal {

struct SchemaObject {
    std::string text;  ///< what it is, in one spelling
    std::string of;    ///< "table t" for what is a part of t or stands on it
    bool operator==(const SchemaObject&) const = default;
};

/// By object words: "table t", "table t column c", "table t constraint unique (a, b)", "index i",
/// "trigger x on t", "view v"; names in lower case, as SQLite compares them.
using Schema = std::map<std::string, SchemaObject>;

[[nodiscard]] Schema read_schema(Database& database);

/// By object; parts of a table that was added or removed aren't named beside it.
[[nodiscard]] std::vector<Difference> compare_schemas(const Schema& expected, const Schema& found);

/// Reads stable copies; neither file is opened or changed. As root it becomes the owner of `live`.
/// Throws usage/"no_such_file", FileError{"not_a_database"}, and what StableCopy throws.
[[nodiscard]] std::vector<Difference> diff_files(
    const std::filesystem::path& expected, const std::filesystem::path& live
);

}  // namespace tapline::journal
