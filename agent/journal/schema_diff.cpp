#include "agent/journal/schema_diff.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/journal/create_parts.hpp"
#include "agent/journal/create_rules.hpp"
#include "agent/journal/extras.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/stable_copy.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view sql_tables =
    "SELECT l.name, l.type, l.wr, l.strict, s.sql FROM pragma_table_list AS l "
    "JOIN sqlite_schema AS s ON s.name = l.name AND s.type = 'table' "
    "WHERE l.schema = 'main' AND l.type <> 'shadow' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
constexpr std::string_view sql_others =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
// hidden: 2 is a virtual generated column, 3 a stored one (SQLite, PRAGMA table_xinfo).
constexpr std::string_view sql_columns =
    "SELECT name, upper(type), \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) "
    "WHERE hidden <> 1";
constexpr std::string_view sql_keys =
    "SELECT l.origin, (SELECT group_concat(lower(COALESCE(i.name, '?')) || CASE i.\"desc\" WHEN 1 "
    "THEN ' desc' ELSE '' END || CASE WHEN i.coll <> 'BINARY' THEN ' collate ' || lower(i.coll) "
    "ELSE '' END, ', ') FROM pragma_index_xinfo(l.name) AS i WHERE i.key = 1) "
    "FROM pragma_index_list(?1) AS l WHERE l.origin IN ('pk', 'u')";
constexpr std::string_view sql_foreign_keys =
    "SELECT group_concat(lower(\"from\"), ','), lower(\"table\"), group_concat(lower(\"to\"), "
    "','), "
    "lower(on_update), lower(on_delete), lower(\"match\") FROM (SELECT * FROM "
    "pragma_foreign_key_list(?1) ORDER BY id, seq) GROUP BY id";

struct Table {
    std::string object;  ///< "table t"
    std::string name;
    CreateParts parts;
    bool without_rowid = false;  ///< makes the columns of its key NOT NULL
};

/// "a, b collate nocase" -> "a, b" where the column itself has that collation.
std::string without_own_collations(std::string_view list, const Table& table) {
    std::string text;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(", "), list.size());
        std::string item(list.substr(0, end));
        list.remove_prefix(std::min(end + 2, list.size()));
        const std::size_t at = item.find(" collate ");
        const auto column = table.parts.columns.find(item.substr(0, item.find(' ')));
        if (at != std::string::npos && column != table.parts.columns.end() &&
            column->second.find(item.substr(at + 1)) != std::string::npos) {
            item.resize(at);
        }
        text += (text.empty() ? "" : ", ") + item;
    }
    return text;
}

void read_columns(Database& database, const Table& table, Schema& schema) {
    auto row = database.prepare(sql_columns);
    row.bind(1, table.name);
    while (row.step()) {
        const std::string name = normal_name(row.text(0));
        std::string text = row.text(1);
        text +=
            row.integer(2) != 0 && !(table.without_rowid && row.integer(4) != 0) ? " NOT NULL" : "";
        text += row.is_null(3) ? "" : " DEFAULT " + row.text(3);
        text += row.integer(4) != 0 ? fmt::format(" PRIMARY KEY {}", row.integer(4)) : "";
        const auto more = table.parts.columns.find(name);
        if (more != table.parts.columns.end()) {
            text += " " + more->second;
        }
        text += row.integer(5) == 2 ? " VIRTUAL" : "";
        text += row.integer(5) == 3 ? " STORED" : "";
        schema[fmt::format("{} column {}", table.object, name)] = {text, table.object};
    }
}

void read_constraints(Database& database, const Table& table, Schema& schema) {
    const auto add = [&](const std::string& name, const std::string& text) {
        schema[fmt::format("{} constraint {}", table.object, name)] = {text, table.object};
    };
    for (const auto& [name, text] : table.parts.constraints) {
        add(name, text);
    }
    auto key = database.prepare(sql_keys);
    key.bind(1, table.name);
    while (key.step()) {
        const std::string text = fmt::format(
            "{} ({})",
            key.text(0) == "pk" ? "primary key" : "unique",
            without_own_collations(key.text(1), table)
        );
        add(text, text);
    }
    auto foreign = database.prepare(sql_foreign_keys);
    foreign.bind(1, table.name);
    while (foreign.step()) {
        const std::string name = fmt::format(
            "foreign key ({}) references {} ({})", foreign.text(0), foreign.text(1), foreign.text(2)
        );
        add(name,
            fmt::format(
                "on update {} on delete {} match {}{}",
                foreign.text(3),
                foreign.text(4),
                foreign.text(5),
                table.parts.deferred.contains(foreign.text(0)) ? " initially deferred" : ""
            ));
    }
}

void read_tables(Database& database, Schema& schema) {
    auto row = database.prepare(sql_tables);
    while (row.step()) {
        const std::string sql = row.text(4);
        const Table table{
            "table " + normal_name(row.text(0)),
            row.text(0),
            parts_of_create(sql),
            row.integer(2) != 0};
        std::string text = row.text(1) == "table" ? "table" : normal_sql(sql);
        text += row.integer(2) != 0 ? ", without rowid" : "";
        text += row.integer(3) != 0 ? ", strict" : "";
        text += table.parts.autoincrement ? ", autoincrement" : "";
        schema[table.object] = {text, ""};
        read_columns(database, table, schema);
        read_constraints(database, table, schema);
    }
}

fs::path existing(const fs::path& file) {
    fs::path real = real_journal_path(file);
    if (!fs::exists(real)) {
        throw Error(
            ErrorKind::usage,
            "no_such_file",
            fmt::format("{}: there is no such file", real.string()),
            "Check the path."
        );
    }
    return real;
}

Schema schema_of(const fs::path& file) {
    const StableCopy copy(file);
    Database database(copy.main());
    return read_schema(database);
}

}  // namespace

Schema read_schema(Database& database) {
    Schema schema;
    read_tables(database, schema);
    auto row = database.prepare(sql_others);
    while (row.step()) {
        const std::string type = row.text(0);
        const std::string name = normal_name(row.text(1));
        const std::string table = normal_name(row.text(2));
        const bool on_table = type == "trigger";
        schema
            [on_table ? fmt::format("trigger {} on {}", name, table)
                      : fmt::format("{} {}", type, name)] = {
                normal_sql(row.text(3)), type == "view" ? "" : "table " + table};
    }
    return schema;
}

std::vector<Difference> compare_schemas(const Schema& expected, const Schema& found) {
    std::vector<Difference> differences;
    for (const auto& [name, object] : expected) {
        const auto other = found.find(name);
        if (other == found.end()) {
            const bool gone_with_table = expected.contains(object.of) && !found.contains(object.of);
            if (!gone_with_table) {
                differences.push_back({name, "removed", object.text, std::nullopt});
            }
        } else if (other->second != object) {
            differences.push_back({name, "changed", object.text, other->second.text});
        }
    }
    for (const auto& [name, object] : found) {
        const bool came_with_table = found.contains(object.of) && !expected.contains(object.of);
        if (!expected.contains(name) && !came_with_table) {
            differences.push_back({name, "added", std::nullopt, object.text});
        }
    }
    return differences;
}

std::vector<Difference> diff_files(const fs::path& expected, const fs::path& live) {
    const fs::path wanted = existing(expected);
    const fs::path real = existing(live);
    // Before root becomes the owner of the other one, who may not be allowed to read this one.
    const Schema schema = schema_of(wanted);
    become_owner(real);
    return compare_schemas(schema, schema_of(real));
}

}  // namespace tapline::journal
