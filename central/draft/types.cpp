// Types, domains and collations, made anew.
#include <fmt/format.h>

#include "central/draft/builder.hpp"

namespace tapline::draft {

namespace {

void put_type(Builder& builder, const std::string& object, const std::string& create) {
    const Word word = read_word(object);
    Item item{.object = object, .rank = Rank::type};
    item.up = create + "\n" + properties(builder, object);
    item.down = drop_sql(object);
    item.provides.insert({word.schema, word.name});
    builder.put(std::move(item));
}

void append(std::string& list, const char* name, const std::string& value) {
    if (!value.empty()) {
        list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", name, value);
    }
}

}  // namespace

void add_type(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    const std::string kind = value_of(is, "kind");
    const std::string head = "CREATE TYPE " + word.sql() + " AS ";
    if (kind == "enum") {
        put_type(builder, object, fmt::format("{}ENUM ({});", head, value_of(is, "values")));
    } else if (kind == "composite") {
        std::string sql = fmt::format("{}({});", head, value_of(is, "attributes"));
        put_type(builder, object, sql);
        if (is.contains("attribute comments")) {
            builder.propose(
                object, "", "", "comments on its attributes: write COMMENT ON COLUMN for each"
            );
        }
    } else if (kind == "range") {
        std::string list;
        append(list, "subtype", value_of(is, "subtype"));
        append(list, "subtype_opclass", value_of(is, "operator class"));
        append(list, "collation", value_of(is, "collation"));
        append(list, "canonical", value_of(is, "canonical"));
        append(list, "subtype_diff", value_of(is, "subtype difference"));
        append(list, "multirange_type_name", value_of(is, "multirange"));
        put_type(builder, object, fmt::format("{}RANGE ({});", head, list));
    } else {
        builder.propose(object, "", "", "it is new; a type of this kind has to be written by hand");
    }
}

void add_domain(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    std::string sql = fmt::format("CREATE DOMAIN {} AS {}", word.sql(), value_of(is, "type"));
    if (is.contains("collation")) {
        sql += " COLLATE " + value_of(is, "collation");
    }
    if (is.contains("default")) {
        sql += " DEFAULT " + value_of(is, "default");
    }
    if (is.contains("not null")) {
        sql += " NOT NULL";
    }
    constexpr std::string_view prefix = "constraint ";
    std::string later;
    for (const auto& [name, value] : is) {
        if (!name.starts_with(prefix)) {
            continue;
        }
        const bool comment = name.ends_with(" comment");
        const std::string constraint = name.substr(
            prefix.size(),
            name.size() - prefix.size() - (comment ? std::string_view(" comment").size() : 0)
        );
        if (comment) {
            later += fmt::format(
                "\nCOMMENT ON CONSTRAINT {} ON DOMAIN {} IS {};",
                identifier(constraint),
                word.sql(),
                literal(value)
            );
        } else if (value.ends_with(" NOT VALID")) {
            later += fmt::format(
                "\nALTER DOMAIN {} ADD CONSTRAINT {} {};", word.sql(), identifier(constraint), value
            );
        } else {
            sql += fmt::format("\n    CONSTRAINT {} {}", identifier(constraint), value);
        }
    }
    put_type(builder, object, sql + ";" + later);
}

void add_collation(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    const std::string locale = literal(value_of(is, "locale"));
    std::string list;
    append(list, "provider", value_of(is, "provider"));
    if (is.contains("ctype")) {
        append(list, "lc_collate", locale);
        append(list, "lc_ctype", literal(value_of(is, "ctype")));
    } else {
        append(list, "locale", locale);
    }
    if (is.contains("deterministic")) {
        append(list, "deterministic", "false");
    }
    if (is.contains("rules")) {
        append(list, "rules", literal(value_of(is, "rules")));
    }
    put_type(builder, object, fmt::format("CREATE COLLATION {} ({});", word.sql(), list));
}

}  // namespace tapline::draft
