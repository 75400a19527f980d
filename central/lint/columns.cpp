// ALTER TABLE … ADD, DROP and ALTER COLUMN, but for its type.
#include <algorithm>

#include <fmt/format.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

std::string column_object(const std::string& table, const std::string& column) {
    return fmt::format("table {} column {}", table, column);
}

/// What the parser found behind a new column's type.
struct NewColumn {
    Column column;
    Node default_value;
    bool generated = false;  ///< serial, identity or GENERATED … STORED: a value of its own per row
    std::vector<Node> constraints;

    [[nodiscard]] bool filled() const {
        return generated || (default_value && !is_null_constant(default_value));
    }
};

NewColumn read_new(Node definition) {
    NewColumn result;
    result.column = read_column(definition);
    result.generated = is_serial(type_of(definition["typeName"]));
    result.default_value = definition["raw_default"];
    for (const Node each : definition["constraints"].items()) {
        const std::string kind = each["contype"].text();
        if (kind == "CONSTR_DEFAULT") {
            result.default_value = each["raw_expr"];
        } else if (kind == "CONSTR_IDENTITY" || kind == "CONSTR_GENERATED") {
            result.generated = true;
        } else {
            result.constraints.push_back(each);
        }
    }
    return result;
}

/// Why every row has to be written; "": only the catalog changes.
std::string rewrite_reason(const NewColumn& added, const Catalog& catalog) {
    if (added.generated) {
        return "each row gets a value of its own";
    }
    if (added.default_value && is_volatile(added.default_value, catalog)) {
        return "its default is volatile, so each row gets a value of its own";
    }
    const auto domain = catalog.domains.find(added.column.type.name);
    if (domain != catalog.domains.end() && domain->second.constrained) {
        return fmt::format("domain {} has constraints", domain->first);
    }
    return {};
}

void judge_new_check(
    Statement& s, const std::string& object, const NewColumn& added, Node constraint, bool rewrites
) {
    const Node condition = constraint["raw_expr"];
    if (!rewrites) {
        s.find(
            Hazard::full_scan_under_lock,
            object,
            "a CHECK that comes with its column is checked for every row, even when all are NULL"
        );
    }
    const auto columns = columns_in(condition);
    const bool others = std::any_of(columns.begin(), columns.end(), [&](const std::string& each) {
        return each != added.column.name;
    });
    const bool null_refused = never_null_in(condition).contains(added.column.name);
    if (others || (null_refused && !added.filled())) {
        s.find(
            Hazard::fails_on_existing_rows, object, "rows that don't meet the CHECK make it fail"
        );
    }
}

void judge_new_constraint(
    Statement& s, const std::string& table, const NewColumn& added, Node constraint, bool rewrites
) {
    const std::string object = column_object(table, added.column.name);
    const std::string kind = constraint["contype"].text();
    if (kind == "CONSTR_UNIQUE" || kind == "CONSTR_PRIMARY") {
        s.find(
            Hazard::index_build_under_lock,
            object,
            "its index is built while nobody can read or write the table"
        );
        s.grows_with("table " + table);
        if (added.filled() && !added.generated && !is_volatile(added.default_value, s.catalog)) {
            s.find(
                Hazard::fails_on_existing_rows,
                object,
                "every row gets the same default, so more than one row can't be unique"
            );
        }
    } else if (kind == "CONSTR_CHECK") {
        judge_new_check(s, object, added, constraint, rewrites);
        s.grows_with("table " + table);
    } else if (kind == "CONSTR_FOREIGN") {
        s.lock(relation_name(constraint["pktable"]), Lock::share_row_exclusive, true);
        if (!added.filled()) {
            return;
        }
        s.find(
            Hazard::full_scan_under_lock,
            object,
            "with a default every row is looked up in the other table"
        );
        s.find(Hazard::fails_on_existing_rows, object, "the default has to be a key over there");
        s.grows_with("table " + table);
    }
}

void judge_new_on_rows(Statement& s, const std::string& table, const NewColumn& added) {
    const std::string object = column_object(table, added.column.name);
    const std::string rewrite = rewrite_reason(added, s.catalog);
    if (!rewrite.empty()) {
        s.find(Hazard::table_rewrite, object, "every row is written again: " + rewrite);
        s.grows_with("table " + table);
    }
    if (added.column.not_null && !added.filled()) {
        s.find(
            {Hazard::fails_on_existing_rows,
             object,
             "NOT NULL without a default fails as soon as there is one row",
             "ADD COLUMN without NOT NULL or with a constant DEFAULT",
             Severity::block}
        );
        s.find(
            {Hazard::breaks_clients,
             object,
             "an INSERT that doesn't name the new column fails",
             "give it a DEFAULT, or leave it nullable until every client fills it",
             std::nullopt}
        );
    }
    for (const Node constraint : added.constraints) {
        judge_new_constraint(s, table, added, constraint, !rewrite.empty());
    }
}

void set_not_null(Statement& s, const std::string& table, const std::string& name) {
    Relation* const relation = s.catalog.relation(table);
    Column* const column = relation == nullptr ? nullptr : relation->column(name);
    bool proven = column != nullptr && column->not_null;
    if (relation != nullptr) {
        for (const Constraint& each : relation->constraints) {
            proven = proven || (each.valid && each.never_null.contains(name));
        }
    }
    if (column != nullptr) {
        column->not_null = true;
    }
    if (proven || !s.catalog.existing(table)) {
        return;
    }
    const std::string object = column_object(table, name);
    s.find(
        {Hazard::full_scan_under_lock,
         object,
         "every row is read for NULLs while nobody can read or write the table",
         fmt::format(
             "ADD CONSTRAINT … CHECK ({} IS NOT NULL) NOT VALID, VALIDATE it in a later revision, "
             "then SET NOT NULL reads nothing",
             name
         ),
         std::nullopt}
    );
    s.find(Hazard::fails_on_existing_rows, object, "a NULL that is already there makes it fail");
    s.grows_with("table " + table);
}

void drop_default(Statement& s, const std::string& table, const std::string& name) {
    Relation* const relation = s.catalog.relation(table);
    Column* const column = relation == nullptr ? nullptr : relation->column(name);
    if (column != nullptr && !column->has_default) {
        return;
    }
    const bool required = column != nullptr && column->not_null;
    const bool seen = s.catalog.existing_column(table, name);
    if (column != nullptr) {
        column->has_default = false;
    }
    if (!s.catalog.existing(table) || (!seen && !required)) {
        return;
    }
    s.find(
        {Hazard::breaks_clients,
         column_object(table, name),
         required ? "an INSERT that doesn't name the column fails from now on"
                  : "an INSERT that doesn't name the column writes NULL from now on",
         "drop the default when every client names the column",
         required ? Severity::block : Severity::warn}
    );
}

void drop_column(Statement& s, const std::string& table, const std::string& name) {
    const bool seen = s.catalog.existing_column(table, name);
    if (Relation* const relation = s.catalog.relation(table)) {
        relation->drop_column(name);
    }
    const std::string object = column_object(table, name);
    if (seen) {
        s.find(Hazard::data_loss, object, "what the column holds is gone");
        s.find(Hazard::breaks_clients, object, "SQL that names the column fails from now on");
    } else if (s.undo && s.catalog.existing(table)) {
        s.find(
            {Hazard::data_loss,
             object,
             "what was written into it since the upgrade is gone",
             {},
             Severity::warn}
        );
    }
}

/// Of ADD GENERATED: a Constraint; of SET GENERATED: a list of options.
bool generated_always(Node definition) {
    bool always = definition["generated_when"].text() == "a";
    for (const Node each : definition["items"].items()) {
        always = always || (each["defname"].text() == "generated" &&
                            each["arg"]["ival"].number() == static_cast<int>('a'));
    }
    return always;
}

}  // namespace

void judge_add_column(Statement& s, const std::string& table, Node command) {
    NewColumn added = read_new(command["def"]);
    if (command["missing_ok"].flag() && s.catalog.column(table, added.column.name) != nullptr) {
        return;
    }
    if (s.catalog.existing(table)) {
        judge_new_on_rows(s, table, added);
    }
    Relation& relation =
        s.catalog.relations.try_emplace(table, Relation{.complete = false}).first->second;
    added.column.fresh = true;
    added.column.blank = !added.filled();
    relation.columns.push_back(added.column);
    for (const Node each : added.constraints) {
        if (each["contype"].text() != "CONSTR_NOTNULL" && each["contype"].text() != "CONSTR_NULL") {
            Constraint constraint = read_constraint(each, table, added.column.name);
            constraint.fresh = true;
            add_index_of(s.catalog, table, constraint);
            relation.constraints.push_back(std::move(constraint));
        }
    }
}

void judge_column_change(Statement& s, const std::string& table, Node command) {
    const std::string kind = command["subtype"].text();
    const std::string name = command["name"].text();
    Relation* const relation = s.catalog.relation(table);
    Column* const column = relation == nullptr ? nullptr : relation->column(name);
    const std::string object = column_object(table, name);
    const bool seen = s.catalog.existing_column(table, name);
    if (kind == "AT_SetNotNull") {
        set_not_null(s, table, name);
    } else if (kind == "AT_DropColumn") {
        drop_column(s, table, name);
    } else if (kind == "AT_ColumnDefault" && !command["def"]) {
        drop_default(s, table, name);
    } else if (kind == "AT_ColumnDefault") {
        if (column != nullptr) {
            column->has_default = true;
        }
    } else if (kind == "AT_DropNotNull") {
        if (seen && (column == nullptr || column->not_null)) {
            s.find(Hazard::relaxes_integrity, object, "NULL is let in from now on");
        }
        if (column != nullptr) {
            column->not_null = false;
        }
    } else if (kind == "AT_AddIdentity" || kind == "AT_SetIdentity") {
        if (seen && generated_always(command["def"])) {
            s.find(
                {Hazard::breaks_clients,
                 object,
                 "an INSERT that gives the column a value fails from now on",
                 "GENERATED BY DEFAULT AS IDENTITY",
                 std::nullopt}
            );
        }
        if (column != nullptr) {
            column->has_default = true;
        }
    } else if (seen && (kind == "AT_DropIdentity" || kind == "AT_DropExpression")) {
        s.find(Hazard::breaks_clients, object, "an INSERT has to give the value from now on");
    }
}

}  // namespace tapline::lint
