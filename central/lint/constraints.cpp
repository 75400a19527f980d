// ALTER TABLE … ADD, VALIDATE and DROP CONSTRAINT.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

std::string constraint_object(const std::string& table, const std::string& name) {
    return name.empty() ? "table " + table : fmt::format("table {} constraint {}", table, name);
}

std::string default_name(
    const std::string& table, ConstraintKind kind, const std::vector<std::string>& columns
) {
    const std::string bare = table.substr(table.rfind('.') + 1);
    const std::string list = fmt::format("{}", fmt::join(columns, "_"));
    switch (kind) {
        case ConstraintKind::primary_key:
            return bare + "_pkey";
        case ConstraintKind::unique:
            return fmt::format("{}_{}_key", bare, list);
        case ConstraintKind::foreign_key:
            return fmt::format("{}_{}_fkey", bare, list);
        case ConstraintKind::exclusion:
            return fmt::format("{}_{}_excl", bare, list);
        case ConstraintKind::check:
            break;
    }
    return columns.size() == 1 ? fmt::format("{}_{}_check", bare, list) : bare + "_check";
}

ConstraintKind kind_of(const std::string& word) {
    if (word == "CONSTR_PRIMARY") {
        return ConstraintKind::primary_key;
    }
    if (word == "CONSTR_UNIQUE") {
        return ConstraintKind::unique;
    }
    if (word == "CONSTR_FOREIGN") {
        return ConstraintKind::foreign_key;
    }
    return word == "CONSTR_EXCLUSION" ? ConstraintKind::exclusion : ConstraintKind::check;
}

bool may_be_null(const Catalog& catalog, const std::string& table, const Constraint& key) {
    return std::any_of(key.columns.begin(), key.columns.end(), [&](const std::string& each) {
        const Column* const column = catalog.column(table, each);
        return column != nullptr && !column->not_null;
    });
}

/// USING INDEX: the index is there already; a nullable column of a primary key is read through.
void judge_using_index(
    Statement& s, const std::string& table, const std::string& index, Constraint& added
) {
    const auto found = s.catalog.indexes.find(in_schema_of(table, index));
    if (found != s.catalog.indexes.end()) {
        added.columns = found->second.columns;
    }
    if (added.kind != ConstraintKind::primary_key || !s.catalog.existing(table)) {
        return;
    }
    Constraint open = added;
    std::erase_if(open.columns, [&](const std::string& column) {
        const Relation* const relation = s.catalog.relation(table);
        return relation != nullptr && std::any_of(
                                          relation->constraints.begin(),
                                          relation->constraints.end(),
                                          [&](const Constraint& each) {
                                              return each.valid && each.never_null.contains(column);
                                          }
                                      );
    });
    if (may_be_null(s.catalog, table, open)) {
        const std::string object = constraint_object(table, added.name);
        s.find(
            Hazard::full_scan_under_lock,
            object,
            "a column of the key is nullable, so every row is read for NULLs"
        );
        s.find(Hazard::fails_on_existing_rows, object, "a NULL in the key makes it fail");
        s.grows_with("table " + table);
    }
}

void judge_built_constraint(Statement& s, const std::string& table, const Constraint& added) {
    const std::string object = constraint_object(table, added.name);
    s.find(
        Hazard::index_build_under_lock,
        object,
        "its index is built while nobody can read or write the table"
    );
    if (!s.catalog.all_blank(table, added.columns) || added.kind == ConstraintKind::primary_key) {
        s.find(Hazard::fails_on_existing_rows, object, "rows that collide make it fail");
    }
    s.grows_with("table " + table);
}

void judge_check(Statement& s, const std::string& table, const Constraint& added) {
    const std::string object = constraint_object(table, added.name);
    s.find(
        Hazard::full_scan_under_lock,
        object,
        "every row is checked while nobody can read or write the table"
    );
    if (!s.catalog.all_blank(table, added.columns) || !added.never_null.empty()) {
        s.find(
            Hazard::fails_on_existing_rows, object, "rows that don't meet the CHECK make it fail"
        );
    }
    s.grows_with("table " + table);
}

/// CHECK (c IS NOT NULL) beside NOT NULL says nothing more.
bool is_redundant(const Relation& relation, const Constraint& constraint) {
    return constraint.kind == ConstraintKind::check && constraint.columns.size() == 1 &&
           constraint.never_null.contains(constraint.columns.front()) &&
           constraint.constants.empty() && relation.column(constraint.columns.front()) != nullptr &&
           relation.column(constraint.columns.front())->not_null;
}

}  // namespace

Constraint read_constraint(Node node, const std::string& table, const std::string& column) {
    Constraint result;
    result.kind = kind_of(node["contype"].text());
    result.columns = node["keys"].strings();
    if (result.kind == ConstraintKind::foreign_key) {
        result.columns = node["fk_attrs"].strings();
        result.references = relation_name(node["pktable"]);
    } else if (result.kind == ConstraintKind::check) {
        const auto mentioned = columns_in(node["raw_expr"]);
        result.columns.assign(mentioned.begin(), mentioned.end());
        result.constants = constants_in(node["raw_expr"]);
        result.never_null = never_null_in(node["raw_expr"]);
    } else if (result.kind == ConstraintKind::exclusion) {
        for (const Node pair : node["exclusions"].items()) {
            for (const Node each : pair["items"].items()) {
                if (each.is("IndexElem")) {
                    result.columns.push_back(each["name"].text());
                }
            }
        }
    }
    if (result.columns.empty() && !column.empty()) {
        result.columns = {column};
    }
    result.valid = !node["skip_validation"].flag();
    result.name = node["conname"].text();
    if (result.name.empty()) {
        result.name = node["indexname"].text();
    }
    if (result.name.empty()) {
        result.name = default_name(table, result.kind, result.columns);
    }
    return result;
}

void add_index_of(Catalog& catalog, const std::string& table, const Constraint& constraint) {
    const bool unique =
        constraint.kind == ConstraintKind::primary_key || constraint.kind == ConstraintKind::unique;
    if (unique || constraint.kind == ConstraintKind::exclusion) {
        catalog.indexes[in_schema_of(table, constraint.name)] = {
            table, constraint.columns, unique, constraint.fresh};
    }
}

void judge_foreign_key(
    Statement& s, const std::string& table, const Constraint& key, bool validated
) {
    s.lock(table, Lock::share_row_exclusive);
    s.lock(key.references, Lock::share_row_exclusive, true);
    if (!validated || !s.catalog.existing(table)) {
        return;
    }
    const std::string object = constraint_object(table, key.name);
    s.find(
        {Hazard::blocks_writes,
         object,
         fmt::format(
             "nobody can write to {} or {} while every row is looked up", table, key.references
         ),
         "ADD CONSTRAINT … FOREIGN KEY … NOT VALID, then VALIDATE CONSTRAINT in a later revision",
         std::nullopt}
    );
    if (!s.catalog.all_blank(table, key.columns)) {
        s.find(
            Hazard::fails_on_existing_rows, object, "a row that refers to nothing makes it fail"
        );
    }
    s.grows_with("table " + table);
}

void judge_add_constraint(Statement& s, const std::string& table, Node node) {
    Constraint added = read_constraint(node, table, "");
    added.fresh = true;
    const std::string index = node["indexname"].text();
    const bool existing = s.catalog.existing(table);
    if (added.kind == ConstraintKind::foreign_key) {
        judge_foreign_key(s, table, added, added.valid);
    } else {
        s.lock(table, Lock::access_exclusive);
        if (!index.empty()) {
            judge_using_index(s, table, index, added);
        } else if (existing && added.kind != ConstraintKind::check) {
            judge_built_constraint(s, table, added);
        } else if (existing && added.valid) {
            judge_check(s, table, added);
        }
    }
    if (!added.valid) {
        s.transaction.unvalidated.insert(table + " " + added.name);
    }
    Relation& relation =
        s.catalog.relations.try_emplace(table, Relation{.complete = false}).first->second;
    if (added.kind == ConstraintKind::primary_key) {
        for (const std::string& each : added.columns) {
            if (Column* const column = relation.column(each)) {
                column->not_null = true;
            }
        }
    }
    if (!index.empty()) {
        s.catalog.indexes.erase(in_schema_of(table, index));
    }
    add_index_of(s.catalog, table, added);
    relation.drop_constraint(added.name);
    relation.constraints.push_back(std::move(added));
}

void judge_validate_constraint(Statement& s, const std::string& table, const std::string& name) {
    Relation* const relation = s.catalog.relation(table);
    Constraint* const constraint = relation == nullptr ? nullptr : relation->constraint(name);
    if (constraint != nullptr && !constraint->references.empty()) {
        s.lock(constraint->references, Lock::row_share, true);
    }
    if (constraint != nullptr && constraint->valid) {
        return;
    }
    if (constraint != nullptr) {
        constraint->valid = true;
    }
    if (!s.catalog.existing(table)) {
        return;
    }
    if (s.transaction.unvalidated.contains(table + " " + name)) {
        s.find(
            Hazard::validate_in_same_transaction,
            constraint_object(table, name),
            "the lock of ADD CONSTRAINT is kept while every row is read"
        );
        return;
    }
    s.grows_with("table " + table);
}

void judge_drop_constraint(Statement& s, const std::string& table, const std::string& name) {
    Relation* const relation = s.catalog.relation(table);
    Constraint* const constraint = relation == nullptr ? nullptr : relation->constraint(name);
    const bool fresh = constraint != nullptr && constraint->fresh;
    const bool redundant = constraint != nullptr && is_redundant(*relation, *constraint);
    if (constraint != nullptr && !constraint->references.empty()) {
        s.lock(constraint->references, Lock::access_exclusive, true);
    }
    if (relation != nullptr) {
        relation->drop_constraint(name);
        s.catalog.indexes.erase(in_schema_of(table, name));
    }
    if (s.catalog.existing(table) && !fresh && !redundant) {
        s.find(
            Hazard::relaxes_integrity,
            constraint_object(table, name),
            "rows that the constraint refuses are let in from now on"
        );
    }
}

}  // namespace tapline::lint
