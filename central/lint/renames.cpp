// RENAME and SET SCHEMA.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

/// Names that no client's SQL holds.
bool is_internal(std::string_view type) {
    constexpr std::array<std::string_view, 8> types = {
        "OBJECT_INDEX",
        "OBJECT_TABCONSTRAINT",
        "OBJECT_DOMCONSTRAINT",
        "OBJECT_TRIGGER",
        "OBJECT_POLICY",
        "OBJECT_RULE",
        "OBJECT_STATISTIC_EXT",
        "OBJECT_EVENT_TRIGGER"};
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool is_relation(std::string_view type) {
    constexpr std::array<std::string_view, 5> types = {
        "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE", "OBJECT_SEQUENCE"};
    return std::find(types.begin(), types.end(), type) != types.end();
}

void rename_relation(Statement& s, Node node, const std::string& word) {
    const std::string from = relation_name(node["relation"]);
    const std::string to = in_schema_of(from, node["newname"].text());
    if (s.catalog.indexes.contains(from)) {
        return;  // ALTER TABLE renames indexes too
    }
    // A view under the old name, in the same transaction, keeps older clients working.
    if (s.catalog.existing(from) && !s.made_again("relation " + from)) {
        s.find(
            Hazard::breaks_clients,
            word + " " + from,
            "SQL that uses the old name fails from now on"
        );
    }
    s.catalog.relations.try_emplace(from, Relation{.complete = false});
    s.catalog.rename_relation(from, to);
    if (s.transaction.locked.erase(from) > 0) {
        s.transaction.locked.insert(to);
    }
    s.lock(to, Lock::access_exclusive);
}

void rename_column(Statement& s, Node node) {
    const std::string table = relation_name(node["relation"]);
    const std::string from = node["subname"].text();
    const std::string to = node["newname"].text();
    s.lock(table, Lock::access_exclusive);
    if (s.catalog.existing_column(table, from)) {
        s.find(
            {Hazard::breaks_clients,
             fmt::format("{} {} column {}", object_word(node["relationType"].text()), table, from),
             "SQL that uses the old name fails from now on",
             "add a column, keep both filled, let clients move over, drop the old one",
             std::nullopt}
        );
    }
    Relation* const relation = s.catalog.relation(table);
    if (relation == nullptr) {
        return;
    }
    if (Column* const column = relation->column(from)) {
        column->name = to;
    }
    for (Constraint& each : relation->constraints) {
        std::replace(each.columns.begin(), each.columns.end(), from, to);
        if (each.never_null.erase(from) > 0) {
            each.never_null.insert(to);
        }
    }
    for (auto& each : s.catalog.indexes) {
        if (each.second.table == table) {
            std::replace(each.second.columns.begin(), each.second.columns.end(), from, to);
        }
    }
}

void rename_internal(Statement& s, Node node, std::string_view type) {
    const std::string relation = relation_name(node["relation"]);
    const std::string to = node["newname"].text();
    if (type == "OBJECT_INDEX") {
        const auto found = s.catalog.indexes.find(relation);
        if (found != s.catalog.indexes.end()) {
            Index moved = std::move(found->second);
            s.catalog.indexes.erase(found);
            s.catalog.indexes.insert_or_assign(in_schema_of(relation, to), std::move(moved));
        }
        return;
    }
    if (type == "OBJECT_TABCONSTRAINT") {
        s.lock(relation, Lock::access_exclusive);
        Relation* const table = s.catalog.relation(relation);
        if (Constraint* const found =
                table == nullptr ? nullptr : table->constraint(node["subname"].text())) {
            found->name = to;
        }
    } else if (!relation.empty()) {
        s.lock(relation, Lock::access_exclusive);
    }
}

/// Types, functions, schemas, roles.
std::string name_of(Node node) {
    const Node object = node["object"];
    if (object.is("ObjectWithArgs")) {
        return dotted(object["objname"].strings());
    }
    if (object.is("List")) {
        return dotted(object["items"].strings());
    }
    const std::string relation = relation_name(node["relation"]);
    return relation.empty() ? node["subname"].text() : relation;
}

}  // namespace

void judge_rename(Statement& s, Node node) {
    const std::string type = node["renameType"].text();
    const std::string word = object_word(type);
    if (type == "OBJECT_COLUMN") {
        rename_column(s, node);
    } else if (is_relation(type)) {
        rename_relation(s, node, word);
    } else if (is_internal(type)) {
        rename_internal(s, node, type);
    } else {
        const std::string object =
            type == "OBJECT_ATTRIBUTE" ? "type " + name_of(node) : word + " " + name_of(node);
        const auto domain = s.catalog.domains.find(name_of(node));
        const bool fresh = domain != s.catalog.domains.end() && domain->second.fresh;
        if (!fresh && !s.catalog.fresh_objects.contains(object)) {
            s.find(Hazard::breaks_clients, object, "SQL that uses the old name fails from now on");
        }
    }
}

void judge_set_schema(Statement& s, Node node) {
    const std::string type = node["objectType"].text();
    const std::string word = object_word(type);
    const std::string name = name_of(node);
    if (is_relation(type)) {
        s.lock(name, Lock::access_exclusive);
    }
    if ((is_relation(type) && !s.catalog.existing(name)) ||
        s.catalog.fresh_objects.contains(word + " " + name)) {
        return;
    }
    s.find(Hazard::breaks_clients, word + " " + name, "SQL looks for it in the old schema");
    if (is_relation(type)) {
        const std::string bare = name.substr(name.rfind('.') + 1);
        s.catalog.rename_relation(name, dotted({node["newschema"].text(), bare}));
    }
}

}  // namespace tapline::lint
