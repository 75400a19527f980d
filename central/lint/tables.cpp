// CREATE TABLE, AS and VIEW: what is new is nobody's problem, what it refers to may be.
#include <fmt/format.h>

#include "central/lint/bounds.hpp"
#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

bool is_table_constraint(const std::string& kind) {
    return kind == "CONSTR_CHECK" || kind == "CONSTR_PRIMARY" || kind == "CONSTR_UNIQUE" ||
           kind == "CONSTR_FOREIGN" || kind == "CONSTR_EXCLUSION";
}

void add_constraint(
    Statement& s, const std::string& table, Relation& relation, Node node, const std::string& column
) {
    if (!is_table_constraint(node["contype"].text())) {
        return;
    }
    Constraint constraint = read_constraint(node, table, column);
    constraint.valid = true;  // NOT VALID in CREATE TABLE is ignored: there are no rows
    constraint.fresh = true;
    if (constraint.kind == ConstraintKind::primary_key) {
        for (const std::string& each : constraint.columns) {
            if (Column* const found = relation.column(each)) {
                found->not_null = true;
            }
        }
    }
    if (!constraint.references.empty() && constraint.references != table) {
        s.lock(constraint.references, Lock::share_row_exclusive, true);
    }
    add_index_of(s.catalog, table, constraint);
    relation.constraints.push_back(std::move(constraint));
}

void copy_columns(const Catalog& catalog, const std::string& from, Relation& to) {
    to.complete = false;
    if (const Relation* const source = catalog.relation(from)) {
        for (Column column : source->columns) {
            column.fresh = true;
            to.columns.push_back(std::move(column));
        }
    }
}

void add_elements(Statement& s, const std::string& table, Relation& relation, Node node) {
    const auto elements = node["tableElts"].items();
    for (const Node each : elements) {
        if (each.is("ColumnDef")) {
            Column column = read_column(each);
            column.fresh = true;
            relation.columns.push_back(std::move(column));
        } else if (each.is("TableLikeClause")) {
            copy_columns(s.catalog, relation_name(each["relation"]), relation);
        }
    }
    for (const Node each : elements) {
        if (each.is("ColumnDef")) {
            for (const Node constraint : each["constraints"].items()) {
                add_constraint(s, table, relation, constraint, each["colname"].text());
            }
        } else if (each.is("Constraint")) {
            add_constraint(s, table, relation, each, "");
        }
    }
}

}  // namespace

Column read_column(Node definition) {
    Column column;
    column.name = definition["colname"].text();
    column.type = type_of(definition["typeName"]);
    if (is_serial(column.type)) {
        const std::string& name = column.type.name;
        const bool big = name == "bigserial" || name == "serial8";
        const bool small = name == "smallserial" || name == "serial2";
        column.type.name = big ? "int8" : small ? "int2" : "int4";
        column.not_null = column.has_default = true;
    }
    column.has_default = column.has_default || definition["raw_default"];
    for (const Node each : definition["constraints"].items()) {
        const std::string kind = each["contype"].text();
        if (kind == "CONSTR_NOTNULL" || kind == "CONSTR_PRIMARY" || kind == "CONSTR_IDENTITY") {
            column.not_null = true;
        }
        if (kind == "CONSTR_DEFAULT" || kind == "CONSTR_IDENTITY" || kind == "CONSTR_GENERATED") {
            column.has_default = column.has_default || !is_null_constant(each["raw_expr"]);
        }
    }
    return column;
}

void judge_create_table(Statement& s, Node node) {
    const std::string name = relation_name(node["relation"]);
    if (node["if_not_exists"].flag() && s.catalog.relation(name) != nullptr) {
        return;
    }
    Relation relation;
    relation.fresh = true;
    relation.unlogged = node["relation"]["relpersistence"].text() == "u";
    for (const Node part : node["partspec"]["partParams"].items()) {
        relation.partition_key.push_back(part["name"].text());
    }
    for (const Node parent : node["inhRelations"].items()) {
        copy_columns(s.catalog, relation_name(parent), relation);
        if (!node["partbound"]) {
            s.lock(relation_name(parent), Lock::share_update_exclusive);
        }
    }
    s.catalog.drop_relation(name);
    add_elements(s, name, relation, node);
    s.catalog.relations[name] = std::move(relation);
    const auto parents = node["inhRelations"].items();
    if (node["partbound"] && !parents.empty()) {
        judge_new_partition(s, relation_name(parents.front()), name, node["partbound"]);
    }
}

void judge_create_table_as(Statement& s, Node node) {
    const std::string name = relation_name(node["into"]["rel"]);
    judge_select(s, node["query"]);
    if (node["if_not_exists"].flag() && s.catalog.relation(name) != nullptr) {
        return;
    }
    std::string scanned;
    Relation relation{.fresh = true, .complete = false};
    relation.large = !is_bounded_query(s.catalog, node["query"], scanned);
    if (node["objtype"].text() == "OBJECT_MATVIEW") {
        relation.kind = RelationKind::materialized_view;
    }
    s.catalog.relations[name] = std::move(relation);
}

void judge_create_view(Statement& s, Node node) {
    const std::string name = relation_name(node["view"]);
    if (s.catalog.relation(name) != nullptr) {
        s.lock_view(name, Lock::access_exclusive);
        return;
    }
    s.catalog.relations[name] =
        Relation{.kind = RelationKind::view, .fresh = true, .complete = false};
}

}  // namespace tapline::lint
