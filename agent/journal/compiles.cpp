#include "agent/journal/compiles.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_columns = "SELECT name FROM pragma_table_info(?1)";

}  // namespace

std::optional<std::string> compile_error(Database& database, const std::string& sql) {
    try {
        [[maybe_unused]] const auto statement = database.prepare(sql);
        return std::nullopt;
    } catch (const Error& error) {
        return error.what();
    }
}

std::optional<std::string> view_error(Database& database, const std::string& view) {
    return compile_error(database, fmt::format("SELECT 1 FROM {}", quote_name(view)));
}

std::optional<std::string> trigger_error(Database& database, const std::string& table) {
    const auto name = quote_name(table);
    std::string assignments;
    auto columns = database.prepare(sql_columns);
    columns.bind(1, table);
    while (columns.step()) {
        const auto column = quote_name(columns.text(0));
        assignments += fmt::format("{}{} = {}", assignments.empty() ? "" : ", ", column, column);
    }
    columns.reset();
    for (const auto& sql :
         {fmt::format("INSERT INTO {} DEFAULT VALUES", name),
          fmt::format("DELETE FROM {}", name),
          fmt::format("UPDATE {} SET {}", name, assignments)}) {
        if (auto error = compile_error(database, sql)) {
            return error;
        }
    }
    return std::nullopt;
}

}  // namespace tapline::journal
