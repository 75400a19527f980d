// ALTER TABLE … ALTER COLUMN … TYPE.
#include <algorithm>

#include <fmt/format.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

/// `USING c` and `USING c::new_type` say no more than TYPE does.
bool is_plain_cast(Node expression, const std::string& column, const Type& to) {
    if (!expression || column_of(expression) == column) {
        return true;
    }
    return expression.is("TypeCast") && column_of(expression["arg"]) == column &&
           type_of(expression["typeName"]) == to;
}

bool casts(Node expression) {
    bool found = false;
    walk(expression, [&](std::string_view key, Node) {
        found = found || key == "TypeCast";
        return true;
    });
    return found;
}

Conversion conversion_of(
    const Catalog& catalog, const Column* column, const Type& to, Node using_
) {
    Conversion result{.rewrites = true};
    const Type target = catalog.base_type(to);
    if (column == nullptr || !column->type.known()) {
        result.may_fail = casts(using_) && target.name != "text";
        return result;
    }
    result = convert(catalog.base_type(column->type), target);
    const auto domain = catalog.domains.find(to.name);
    if (domain != catalog.domains.end() && domain->second.constrained && column->type != to) {
        result.rewrites = true;
        result.may_fail = true;
    }
    if (!is_plain_cast(using_, column->name, to)) {
        result.rewrites = true;
    }
    return result;
}

bool in_check(const Relation* relation, const std::string& column) {
    return relation != nullptr &&
           std::any_of(
               relation->constraints.begin(),
               relation->constraints.end(),
               [&](const Constraint& each) {
                   return each.kind == ConstraintKind::check && each.valid &&
                          std::count(each.columns.begin(), each.columns.end(), column) > 0;
               }
           );
}

bool indexed(const Catalog& catalog, const std::string& table, const std::string& column) {
    const auto indexes = catalog.indexes_of(table);
    return std::any_of(indexes.begin(), indexes.end(), [&](const Index* each) {
        return std::count(each->columns.begin(), each->columns.end(), column) > 0;
    });
}

/// The rows stay as they are; what depends on the column may not.
void judge_dependents(
    Statement& s, const std::string& table, const std::string& name, bool rebuilds
) {
    const std::string object = fmt::format("table {} column {}", table, name);
    if (rebuilds && indexed(s.catalog, table, name)) {
        s.find(
            Hazard::index_build_under_lock,
            object,
            "indexes with the column are built again while nobody can read or write the table"
        );
        s.grows_with("table " + table);
    }
    if (in_check(s.catalog.relation(table), name)) {
        s.find(
            {Hazard::full_scan_under_lock,
             object,
             "a CHECK with the column is checked again for every row",
             "drop the CHECK, change the type, add it back NOT VALID and VALIDATE it in a later "
             "revision",
             std::nullopt}
        );
        s.grows_with("table " + table);
    }
}

}  // namespace

void judge_alter_column_type(Statement& s, const std::string& table, Node command) {
    const std::string name = command["name"].text();
    const Node definition = command["def"];
    const Type to = type_of(definition["typeName"]);
    Relation* const relation = s.catalog.relation(table);
    Column* const column = relation == nullptr ? nullptr : relation->column(name);
    const Conversion change = conversion_of(s.catalog, column, to, definition["raw_default"]);
    const bool same = column != nullptr && column->type == to && !definition["collClause"];
    const std::string from = column == nullptr ? "" : to_string(column->type);
    if (s.catalog.existing(table)) {
        const std::string object = fmt::format("table {} column {}", table, name);
        const std::string words = from.empty() ? fmt::format("to {}", to_string(to))
                                               : fmt::format("from {} to {}", from, to_string(to));
        if (change.rewrites) {
            s.find(
                Hazard::table_rewrite,
                object,
                fmt::format(
                    "every row is written again to change the type {}{}",
                    words,
                    from.empty() ? "; give --schema to know better" : ""
                )
            );
            s.grows_with("table " + table);
        } else if (!same) {
            judge_dependents(
                s,
                table,
                name,
                change.rebuilds_indexes || static_cast<bool>(definition["collClause"])
            );
        }
        if (change.may_fail) {
            s.find(Hazard::fails_on_existing_rows, object, "a value may not fit " + to_string(to));
        }
        if (change.lossy && s.catalog.existing_column(table, name)) {
            s.find(Hazard::data_loss, object, "values are rounded or cut to fit " + to_string(to));
        }
        if (change.changes_meaning && s.catalog.existing_column(table, name)) {
            s.find(
                Hazard::breaks_clients,
                object,
                fmt::format("clients compare and bind the column as {}", from)
            );
        }
    }
    if (column != nullptr) {
        column->type = to;
    }
}

}  // namespace tapline::lint
