// Views and materialized views, made anew.
#include <fmt/format.h>

#include "central/draft/builder.hpp"
#include "central/draft/grants.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

/// What is said of a view's columns: "column NAME comment", "… default", "… privileges".
std::string view_columns(const Word& word, const catalog::Attributes& is) {
    std::string sql;
    constexpr std::string_view prefix = "column ";
    for (const auto& [name, value] : is) {
        const std::size_t last = name.rfind(' ');
        if (!name.starts_with(prefix) || last <= prefix.size()) {
            continue;
        }
        const std::string column = name.substr(prefix.size(), last - prefix.size());
        const std::string what = name.substr(last + 1);
        if (what == "comment") {
            sql += fmt::format(
                "\nCOMMENT ON COLUMN {}.{} IS {};", word.sql(), identifier(column), literal(value)
            );
        } else if (what == "default") {
            sql += fmt::format(
                "\nALTER VIEW {} ALTER COLUMN {} SET DEFAULT {};",
                word.sql(),
                identifier(column),
                value
            );
        } else if (what == "privileges") {
            const Grants grants =
                grants_between("column", "TABLE " + word.sql(), column, "", value);
            for (const std::string& grant : grants.give) {
                sql += "\n" + grant;
            }
        }
    }
    return sql;
}

}  // namespace

void add_view(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    const bool stored = word.kind == "materialized view";
    std::string definition = value_of(is, "definition");
    while (definition.ends_with(';') || definition.ends_with('\n')) {
        definition.pop_back();
    }
    std::string sql =
        fmt::format("CREATE {} {}", stored ? "MATERIALIZED VIEW" : "VIEW", word.sql());
    if (is.contains("access method")) {
        sql += " USING " + identifier(value_of(is, "access method"));
    }
    const std::string options = storage_options(value_of(is, "options"));
    sql += options.empty() ? "" : " WITH (" + options + ")";
    if (is.contains("tablespace")) {
        sql += " TABLESPACE " + identifier(value_of(is, "tablespace"));
    }
    sql += " AS\n" + definition + (is.contains("populated") ? "\nWITH NO DATA;" : ";");
    sql += view_columns(word, is);
    Item item{.object = object, .rank = Rank::view};
    const std::string said = properties(builder, object);
    item.up = said.empty() ? sql : sql + "\n" + said;
    item.down = drop_sql(object);
    item.provides.insert({word.schema, word.name});
    builder.put(std::move(item));
    for (const std::string& part : builder.parts_of(object)) {
        builder.added(part);
    }
}

}  // namespace tapline::draft
