#include "agent/journal/shape.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/journal/create_rules.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_table =
    "SELECT l.type, l.wr, l.strict, s.sql FROM pragma_table_list AS l "
    "LEFT JOIN sqlite_schema AS s ON s.name = l.name AND s.type = l.type "
    "WHERE l.schema = 'main' AND l.name = ?1 COLLATE NOCASE";
constexpr std::string_view sql_columns =
    "SELECT lower(name), upper(type), \"notnull\", dflt_value, pk, hidden FROM "
    "pragma_table_xinfo(?1)";
constexpr std::string_view sql_keys =
    "SELECT l.origin, (SELECT group_concat(lower(COALESCE(i.name, '?')), ', ') FROM "
    "pragma_index_info(l.name) AS i) "
    "FROM pragma_index_list(?1) AS l WHERE l.origin IN ('pk', 'u')";

std::string describe_column(Statement& row) {
    auto text = row.text(1);
    if (row.integer(2) != 0) {
        text += " NOT NULL";
    }
    if (!row.is_null(3)) {
        text += " DEFAULT " + row.text(3);
    }
    if (row.integer(4) != 0) {
        text += fmt::format(" PRIMARY KEY {}", row.integer(4));
    }
    if (row.integer(5) != 0) {
        text += " GENERATED";
    }
    return text;
}

}  // namespace

std::optional<TableShape> read_table(Database& database, std::string_view table) {
    TableShape shape;
    auto about = database.prepare(sql_table);
    about.bind(1, table);
    if (!about.step() || about.text(0) == "view") {
        return std::nullopt;
    }
    shape.rules = rules_of_create(about.text(3));
    if (about.text(0) != "table") {
        shape.rules.insert(about.text(0) + " table");
    }
    if (about.integer(1) != 0) {
        shape.rules.insert("without rowid");
    }
    if (about.integer(2) != 0) {
        shape.rules.insert("strict");
    }
    auto columns = database.prepare(sql_columns);
    columns.bind(1, table);
    while (columns.step()) {
        shape.columns.emplace(columns.text(0), describe_column(columns));
    }
    auto keys = database.prepare(sql_keys);
    keys.bind(1, table);
    while (keys.step()) {
        const auto* const kind = keys.text(0) == "pk" ? "primary key" : "unique";
        shape.rules.insert(fmt::format("{} ({})", kind, keys.text(1)));
    }
    return shape;
}

std::vector<Difference> compare_tables(
    std::string_view table, const TableShape& expected, const TableShape& found
) {
    std::vector<Difference> differences;
    const auto column = [&](const std::string& name) {
        return fmt::format("table {} column {}", table, name);
    };
    for (const auto& [name, definition] : expected.columns) {
        const auto other = found.columns.find(name);
        if (other == found.columns.end()) {
            differences.push_back({column(name), "removed", definition, std::nullopt});
        } else if (other->second != definition) {
            differences.push_back({column(name), "changed", definition, other->second});
        }
    }
    for (const auto& [name, definition] : found.columns) {
        if (!expected.columns.contains(name)) {
            differences.push_back({column(name), "added", std::nullopt, definition});
        }
    }
    const auto rule = [&](const std::string& text) {
        return fmt::format("table {} constraint {}", table, text);
    };
    for (const auto& text : expected.rules) {
        if (!found.rules.contains(text)) {
            differences.push_back({rule(text), "removed", text, std::nullopt});
        }
    }
    for (const auto& text : found.rules) {
        if (!expected.rules.contains(text)) {
            differences.push_back({rule(text), "added", std::nullopt, text});
        }
    }
    return differences;
}

}  // namespace tapline::journal
