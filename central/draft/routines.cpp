// Functions and procedures.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/draft/builder.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

// GUC_LIST_QUOTE: their values are lists of names, each quoted as pg_dump does.
constexpr std::array<std::string_view, 6> lists{
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories"};

std::string unquoted(const std::string& name) {
    if (!name.starts_with('"') || name.size() < 2) {
        return name;
    }
    std::string text;
    for (std::size_t i = 1; i + 1 < name.size(); ++i) {
        text += name[i];
        i += name[i] == '"' ? 1U : 0U;
    }
    return text;
}

std::string setting(const std::string& line) {
    const std::size_t equals = line.find('=');
    const std::string name = line.substr(0, equals);
    const std::string value = line.substr(equals + 1);
    std::string text;
    if (std::find(lists.begin(), lists.end(), name) != lists.end()) {
        for (const std::string& each : split_list(value)) {
            text += (text.empty() ? "" : ", ") + literal(unquoted(each));
        }
    }
    return fmt::format("\n    SET {} TO {}", name, text.empty() ? literal(value) : text);
}

std::string settings(const std::string& lines) {
    std::string text;
    std::string_view left = lines;
    while (!left.empty()) {
        const std::size_t end = std::min(left.find('\n'), left.size());
        text += setting(std::string(left.substr(0, end)));
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return text;
}

std::string behaviour(const catalog::Attributes& is) {
    std::string text;
    const auto word = [&](const char* attribute, const std::string& sql) {
        if (is.contains(attribute)) {
            text += " " + sql;
        }
    };
    word("window", "WINDOW");
    word("volatility", upper(value_of(is, "volatility")));
    word("strict", "STRICT");
    word("security", "SECURITY DEFINER");
    word("leakproof", "LEAKPROOF");
    word("parallel", "PARALLEL " + upper(value_of(is, "parallel")));
    word("cost", "COST " + value_of(is, "cost"));
    word("rows", "ROWS " + value_of(is, "rows"));
    word("support", "SUPPORT " + value_of(is, "support"));
    return text;
}

}  // namespace

std::string routine_sql(
    const std::string& object, const catalog::Attributes& attributes, bool replace
) {
    const Word word = read_word(object);
    if ((word.kind != "function" && word.kind != "procedure") ||
        attributes.contains("transforms")) {
        return {};
    }
    std::string sql = fmt::format(
        "CREATE {}{} {}({})",
        replace ? "OR REPLACE " : "",
        upper(word.kind),
        word.sql(),
        value_of(attributes, "arguments")
    );
    if (word.kind == "function" && attributes.contains("returns")) {
        sql += "\n    RETURNS " + value_of(attributes, "returns");
    }
    sql += "\n    LANGUAGE " + identifier(value_of(attributes, "language")) +
           behaviour(attributes) + settings(value_of(attributes, "settings"));
    if (attributes.contains("sql body")) {
        return sql + "\n" + value_of(attributes, "sql body") + ";";
    }
    sql += "\n    AS ";
    if (attributes.contains("library")) {
        sql += literal(value_of(attributes, "library")) + ", ";
    }
    return sql + body_literal(value_of(attributes, "body")) + ";";
}

void add_routine(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const std::string create = routine_sql(object, builder.wanted(object).attributes, false);
    if (create.empty()) {
        builder.propose(
            object, "", "", "it is new; a routine of this kind has to be written by hand"
        );
        return;
    }
    Item item{.object = object, .rank = Rank::function};
    item.up = create + "\n" + properties(builder, object);
    item.down = drop_sql(object);
    item.provides.insert({word.schema, word.name});
    builder.put(std::move(item));
}

}  // namespace tapline::draft
