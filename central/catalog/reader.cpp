#include "central/catalog/reader.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/catalog/names.hpp"
#include "central/catalog/privileges.hpp"

namespace tapline::catalog {

namespace {

std::string text_at(const pg::Row& row, int column) {
    return column < 0 ? std::string() : std::string(row.text(column));
}

/// "column x of table t", but "trigger n on t".
std::string part_name(const Relation& relation, const std::string& sub, std::string_view name) {
    if (sub == "column" || sub == "constraint") {
        return fmt::format("{} {} {}", relation.object(), sub, quoted(name));
    }
    return fmt::format("{} {} on {}", sub, quoted(name), relation.name);
}

}  // namespace

Reader::Columns::Columns(const pg::Result& rows) {
    const std::map<std::string_view, int*> known{
        {"_word", &word},
        {"_schema", &schema},
        {"_name", &name},
        {"_args", &args},
        {"_rel", &rel},
        {"_sub", &sub},
        {"_of", &of},
        {"_of_column", &of_column},
        {"_follows", &follows},
        {"_follows_name", &follows_name},
        {"_prefix", &prefix},
        {"_role", &role},
        {"_acl", &acl},
        {"_standard", &standard},
        {"_home", &home},
        {"_roles", &roles},
        {"_identity", &identity},
        {"owner", &owner},
    };
    for (int i = 0; i < rows.columns(); ++i) {
        const auto found = known.find(rows.column_name(i));
        if (found != known.end()) {
            *found->second = i;
        } else {
            const std::string_view label = rows.column_name(i);
            attributes.emplace(i, label == "_value" ? std::string_view() : label);
        }
    }
}

void Reader::learn_relations(const pg::Result& rows) {
    relations_.reserve(static_cast<std::size_t>(rows.rows()));
    for (const pg::Row row : rows) {
        relations_.emplace(
            row.integer(0),
            Relation{
                std::string(row.text(1)),
                qualified(row.text(2), row.text(3)),
                std::string(row.text(2))}
        );
    }
}

void Reader::add(const pg::Result& rows) {
    const Columns columns(rows);
    for (const pg::Row row : rows) {
        add_row(columns, row);
    }
}

const Relation* Reader::relation(int column, const pg::Row& row) const {
    if (column < 0 || row.is_null(column)) {
        return nullptr;
    }
    const auto found = relations_.find(row.integer(column));
    return found == relations_.end() ? nullptr : &found->second;
}

const std::string& Reader::owner_of(const std::string& home) const {
    return home == "tapline" ? catalog_.owners.tapline : catalog_.owners.app;
}

std::string Reader::key_of(const Columns& columns, const pg::Row& row, const std::string& owner)
    const {
    if (columns.identity >= 0) {
        return without_public(row.text(columns.identity));
    }
    if (const Relation* on = relation(columns.rel, row)) {
        return columns.sub < 0 ? on->object()
                               : part_name(*on, text_at(row, columns.sub), row.text(columns.name));
    }
    std::string key = text_at(row, columns.word);
    if (columns.role >= 0) {
        return fmt::format(
            "{} {} {}", key, role_word(row.text(columns.role), owner), text_at(row, columns.name)
        );
    }
    if (columns.name >= 0) {
        const std::string name = text_at(row, columns.name);
        // An operator's name is never plain, and isn't quoted in SQL either.
        const std::string schema = text_at(row, columns.schema);
        if (key == "operator") {
            key += " " + (schema == "public" ? name : quoted(schema) + "." + name);
        } else {
            key += " " + qualified(schema, name);
        }
    }
    if (columns.args >= 0) {
        key += "(" + without_public(row.text(columns.args)) + ")";
    }
    return key;
}

void Reader::link(const Columns& columns, const pg::Row& row, Object& object) const {
    const Relation* on = relation(columns.rel, row);
    const std::string sub = text_at(row, columns.sub);
    if (columns.sub >= 0 && on != nullptr) {
        object.of = on->object();
    }
    if (const Relation* container = relation(columns.of, row)) {
        object.of = columns.of_column < 0
                        ? container->object()
                        : part_name(*container, "column", row.text(columns.of_column));
    }
    if (const Relation* parent = relation(columns.follows, row)) {
        const int name = columns.follows_name < 0 ? columns.name : columns.follows_name;
        object.follows =
            columns.sub < 0 ? parent->object() : part_name(*parent, sub, row.text(name));
    }
}

void Reader::add_roles(
    const Columns& columns, const pg::Row& row, const std::string& owner, Attributes& into
) const {
    const std::string prefix = columns.prefix < 0 ? "" : text_at(row, columns.prefix) + " ";
    if (columns.owner >= 0 && !row.is_null(columns.owner)) {
        into[prefix + "owner"] = role_word(row.text(columns.owner), owner);
    }
    if (columns.acl >= 0 && !row.is_null(columns.acl)) {
        const std::optional<std::string> text =
            privileges_text(row.text(columns.acl), text_at(row, columns.standard), owner, granted_);
        if (text) {
            into[prefix + "privileges"] = *text;
        }
    }
    if (columns.roles >= 0 && !row.is_null(columns.roles)) {
        std::vector<std::string> names;
        std::string_view left = row.text(columns.roles);
        while (!left.empty()) {
            const std::size_t end = std::min(left.find('\n'), left.size());
            names.push_back(role_word(left.substr(0, end), owner));
            left.remove_prefix(std::min(end + 1, left.size()));
        }
        std::sort(names.begin(), names.end());
        into[prefix + "roles"] = fmt::format("{}", fmt::join(names, ", "));
    }
}

void Reader::add_row(const Columns& columns, const pg::Row& row) {
    const Relation* on = relation(columns.rel, row);
    if (columns.rel >= 0 && on == nullptr) {
        return;
    }
    std::string home = text_at(row, columns.home);
    if (home.empty()) {
        home = on != nullptr ? on->schema : text_at(row, columns.schema);
    }
    // A trigger is at home where its function is only when that is ours: the bar's triggers may
    // call functions of any schema.
    if (on != nullptr && columns.home >= 0 && home != "tapline") {
        home = on->schema;
    }
    const std::string& owner = owner_of(home);
    Object& object = catalog_.objects[key_of(columns, row, owner)];
    object.home = home;
    link(columns, row, object);
    add_roles(columns, row, owner, object.attributes);
    const std::string prefix = text_at(row, columns.prefix);
    for (const auto& [column, name] : columns.attributes) {
        if (!row.is_null(column)) {
            const std::string_view gap = prefix.empty() || name.empty() ? "" : " ";
            object.attributes[fmt::format("{}{}{}", prefix, gap, name)] = row.text(column);
        }
    }
    if (columns.role >= 0 && columns.acl >= 0 && object.attributes.empty()) {
        catalog_.objects.erase(key_of(columns, row, owner)
        );  // default privileges that `grants` set
    }
}

}  // namespace tapline::catalog
