// Triggers, rules, policies and what stands beside tables, made anew.
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/catalog/privileges.hpp"
#include "central/draft/builder.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

std::string roles_text(const std::string& roles) {
    std::string text;
    for (const std::string& role : split_list(roles)) {
        const bool owner = role == catalog::owner_word;
        text += (text.empty() ? "" : ", ") + (role == "public" ? std::string("PUBLIC")
                                              : owner          ? std::string("CURRENT_USER")
                                                               : identifier(role));
    }
    return text;
}

std::string policy_sql(const Word& word, const catalog::Attributes& is) {
    std::string sql = fmt::format("CREATE POLICY {} ON {}", identifier(word.part), word.sql());
    sql += is.contains("restrictive") ? " AS RESTRICTIVE" : "";
    sql += " FOR " + upper(value_of(is, "command")) + " TO " + roles_text(value_of(is, "roles"));
    if (is.contains("using")) {
        sql += " USING (" + value_of(is, "using") + ")";
    }
    if (is.contains("with check")) {
        sql += " WITH CHECK (" + value_of(is, "with check") + ")";
    }
    return sql + ";";
}

std::string switched(const std::string& what, const std::string& enabled) {
    if (enabled == "no") {
        return "DISABLE " + what;
    }
    return (enabled == "always" ? "ENABLE ALWAYS " : "ENABLE REPLICA ") + what;
}

std::string definition_of(const Word& word, const catalog::Attributes& is) {
    std::string definition = value_of(is, "definition");
    while (definition.ends_with(';') || definition.ends_with('\n')) {
        definition.pop_back();
    }
    std::string sql = definition + ";";
    if (is.contains("enabled")) {
        sql += fmt::format(
            "\nALTER TABLE {} {};",
            word.sql(),
            switched(upper(word.part_kind) + " " + identifier(word.part), value_of(is, "enabled"))
        );
    }
    return sql;
}

void put_global(Builder& builder, const std::string& object, std::string sql) {
    Item item{.object = object, .rank = Rank::global};
    const std::string said = properties(builder, object);
    item.up = std::move(sql) + (said.empty() ? "" : "\n" + said);
    item.down = drop_sql(object);
    builder.put(std::move(item));
}

}  // namespace

void add_part(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Object& part = builder.wanted(object);
    if (!part.follows.empty() && builder.sides.wanted.objects.contains(part.follows)) {
        return;  // the parent table's, cloned by itself
    }
    Item item{.object = object, .rank = Rank::part};
    item.container = builder.is_new(word) ? builder.relation_of(word) : "";
    item.up = word.part_kind == "policy" ? policy_sql(word, part.attributes)
                                         : definition_of(word, part.attributes);
    const std::string said = properties(builder, object);
    item.up += said.empty() ? "" : "\n" + said;
    item.down = drop_sql(object);
    builder.put(std::move(item));
}

void add_statistics(Builder& builder, const std::string& object) {
    const catalog::Object& is = builder.wanted(object);
    const Word word = read_word(object);
    std::string sql = value_of(is.attributes, "definition") + ";";
    if (is.attributes.contains("target")) {
        sql += fmt::format(
            "\nALTER STATISTICS {} SET STATISTICS {};",
            word.sql(),
            value_of(is.attributes, "target")
        );
    }
    Item item{.object = object, .rank = Rank::part};
    item.container = builder.sides.head.objects.contains(is.of) ? "" : is.of;
    const std::string said = properties(builder, object);
    item.up = sql + (said.empty() ? "" : "\n" + said);
    item.down = drop_sql(object);
    builder.put(std::move(item));
}

void add_publication(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    std::vector<std::string> tables;
    constexpr std::string_view prefix = "table ";
    for (const auto& [name, columns] : is) {
        if (!name.starts_with(prefix)) {
            continue;
        }
        const std::string table = name.substr(prefix.size());
        std::string text = "TABLE ONLY " + table;
        text += columns == "all columns" ? "" : " (" + columns + ")";
        const std::string where = value_of(is, "where of " + table);
        text += where.empty() ? "" : " WHERE (" + where + ")";
        tables.push_back(text);
    }
    if (is.contains("schemas")) {
        tables.push_back("TABLES IN SCHEMA " + value_of(is, "schemas"));
    }
    std::string sql = "CREATE PUBLICATION " + identifier(word.name);
    if (is.contains("all tables")) {
        sql += " FOR ALL TABLES";
    } else if (!tables.empty()) {
        sql += fmt::format(" FOR {}", fmt::join(tables, ", "));
    }
    sql += fmt::format(
        " WITH (publish = {}{});",
        literal(value_of(is, "publish")),
        is.contains("via root") ? ", publish_via_partition_root = true" : ""
    );
    put_global(builder, object, std::move(sql));
}

void add_event_trigger(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    std::string sql =
        fmt::format("CREATE EVENT TRIGGER {} ON {}", identifier(word.name), value_of(is, "event"));
    std::string tags;
    for (const std::string& tag : split_list(value_of(is, "tags"))) {
        tags += (tags.empty() ? "" : ", ") + literal(tag);
    }
    sql += tags.empty() ? "" : " WHEN TAG IN (" + tags + ")";
    sql += " EXECUTE FUNCTION " + value_of(is, "function") + ";";
    if (is.contains("enabled")) {
        sql += fmt::format(
            "\nALTER EVENT TRIGGER {} {};",
            identifier(word.name),
            switched("", value_of(is, "enabled"))
        );
    }
    put_global(builder, object, std::move(sql));
}

}  // namespace tapline::draft
