#include "central/lint/bounds.hpp"

#include <algorithm>
#include <array>

#include "central/lint/expression.hpp"

namespace tapline::lint {

namespace {

/// Columns of one AND list that the text fixes to named values, and the ends of ranges.
struct Fixed {
    std::set<std::string> equal;
    std::set<std::string> above;
    std::set<std::string> below;
    bool limited = false;  ///< something with LIMIT names the rows
    bool never = false;    ///< WHERE false
};

std::string operator_of(Node expression) {
    const auto names = expression["name"].strings();
    return names.empty() ? "" : names.back();
}

bool has_limit(Node node) {
    bool found = false;
    walk(node, [&](std::string_view, Node each) {
        found = found || (each["limitCount"] && !is_null_constant(each["limitCount"]));
        return true;
    });
    return found;
}

/// One value, or a list with LIMIT; a scalar sub-select gives one row or fails.
bool is_value(Node expression) {
    return is_fixed(expression) ||
           (expression.is("SubLink") &&
            (has_limit(expression) || expression["subLinkType"].text() == "EXPR_SUBLINK"));
}

void note_comparison(Node left, const std::string& op, Node right, Fixed& fixed) {
    const std::string column = column_of(left);
    if (column.empty()) {
        return;
    }
    if (right.is("SubLink") && right["subLinkType"].text() != "EXPR_SUBLINK" && has_limit(right)) {
        fixed.limited = fixed.limited || op == "=";
    }
    if (!is_value(right)) {
        return;
    }
    if (op == "=") {
        fixed.equal.insert(column);
    } else if (op == ">" || op == ">=") {
        fixed.above.insert(column);
    } else if (op == "<" || op == "<=") {
        fixed.below.insert(column);
    }
}

std::string turned(const std::string& op) {
    if (op == "=") {
        return op;
    }
    std::string result = op;
    std::replace(result.begin(), result.end(), '<', '#');
    std::replace(result.begin(), result.end(), '>', '<');
    std::replace(result.begin(), result.end(), '#', '>');
    return result;
}

void note_expression(Node condition, Fixed& fixed) {
    const std::string kind = condition["kind"].text();
    const Node left = condition["lexpr"];
    const Node right = condition["rexpr"];
    if (kind == "AEXPR_OP") {
        note_comparison(left, operator_of(condition), right, fixed);
        note_comparison(right, turned(operator_of(condition)), left, fixed);
    } else if (kind == "AEXPR_OP_ANY") {
        note_comparison(left, operator_of(condition), right, fixed);
    } else if (kind == "AEXPR_IN" && operator_of(condition) == "=" && is_fixed(right)) {
        fixed.equal.insert(column_of(left));
    } else if (kind == "AEXPR_BETWEEN" && is_fixed(right)) {
        fixed.above.insert(column_of(left));
        fixed.below.insert(column_of(left));
    }
}

void note_condition(Node condition, Fixed& fixed) {
    if (condition.is("A_Expr")) {
        note_expression(condition, fixed);
    } else if (condition.is("SubLink")) {
        const std::string kind = condition["subLinkType"].text();
        fixed.limited = fixed.limited || (kind == "ANY_SUBLINK" && has_limit(condition));
    } else if (condition.is("CurrentOfExpr")) {
        fixed.limited = true;
    } else if (condition.is("A_Const")) {
        fixed.never = condition["boolval"] && !condition["boolval"]["boolval"].flag();
    }
}

bool usual_key(const std::string& table, const std::string& column) {
    constexpr std::array<std::string_view, 9> keys = {
        "id", "uuid", "key", "name", "code", "slug", "email", "ctid", "version_num"};
    if (std::find(keys.begin(), keys.end(), column) != keys.end()) {
        return true;
    }
    const std::string bare = table.substr(table.rfind('.') + 1);
    const std::string one = bare.ends_with('s') ? bare.substr(0, bare.size() - 1) : bare;
    for (const std::string_view end : {"_id", "_uid", "_uuid", "_key"}) {
        if (column == one + std::string(end) || column == bare + std::string(end)) {
            return true;
        }
    }
    return false;
}

bool names_rows(
    const Catalog& catalog, const std::string& table, const std::set<std::string>& columns
) {
    if (columns.contains("ctid")) {
        return true;
    }
    const auto indexes = catalog.indexes_of(table);
    for (const Index* each : indexes) {
        if (each->unique && !each->columns.empty() &&
            std::all_of(each->columns.begin(), each->columns.end(), [&](const auto& column) {
                return columns.contains(column);
            })) {
            return true;
        }
    }
    const Relation* const relation = catalog.relation(table);
    if (relation != nullptr && relation->complete) {
        return false;
    }
    return std::any_of(columns.begin(), columns.end(), [&](const std::string& column) {
        return usual_key(table, column);
    });
}

std::set<std::string> ranges(const Fixed& fixed) {
    std::set<std::string> result;
    std::set_intersection(
        fixed.above.begin(),
        fixed.above.end(),
        fixed.below.begin(),
        fixed.below.end(),
        std::inserter(result, result.begin())
    );
    result.insert(fixed.equal.begin(), fixed.equal.end());
    return result;
}

bool is_aggregate(Node select) {
    constexpr std::array<std::string_view, 7> names = {
        "count", "sum", "min", "max", "avg", "bool_and", "bool_or"};
    const auto targets = select["targetList"].items();
    return !select["groupClause"] && !targets.empty() &&
           std::all_of(targets.begin(), targets.end(), [&](Node each) {
               const std::string function = function_of(each["val"]);
               return std::find(names.begin(), names.end(), function) != names.end();
           });
}

}  // namespace

bool is_bounded(const Catalog& catalog, const std::string& table, Node where) {
    if (!where) {
        return false;
    }
    if (where.is("BoolExpr") && where["boolop"].text() == "OR_EXPR") {
        const auto parts = where["args"].items();
        return std::all_of(parts.begin(), parts.end(), [&](Node each) {
            return is_bounded(catalog, table, each);
        });
    }
    Fixed fixed;
    if (where.is("BoolExpr") && where["boolop"].text() == "AND_EXPR") {
        for (const Node each : where["args"].items()) {
            if (each.is("BoolExpr") && is_bounded(catalog, table, each)) {
                return true;
            }
            note_condition(each, fixed);
        }
    } else {
        note_condition(where, fixed);
    }
    return fixed.limited || fixed.never || names_rows(catalog, table, ranges(fixed));
}

bool is_bounded_query(const Catalog& catalog, Node select, std::string& scanned) {
    if (select["larg"]) {
        return is_bounded_query(catalog, select["larg"], scanned) &&
               is_bounded_query(catalog, select["rarg"], scanned);
    }
    if (has_limit(select)) {
        return true;
    }
    std::string table;
    for (const std::string& each : tables_in(select["fromClause"])) {
        if (catalog.holds_rows(each)) {
            table = each;
        }
    }
    for (const std::string& each : tables_in(select["withClause"])) {
        table = catalog.holds_rows(each) ? each : table;
    }
    if (table.empty() || is_bounded(catalog, table, select["whereClause"])) {
        return true;
    }
    scanned = table;
    return is_aggregate(select);
}

bool joins_bounded(const Catalog& catalog, Node statement, Node from_clause) {
    const auto sources = from_clause.items();
    return std::any_of(sources.begin(), sources.end(), [&](Node source) {
        if (source.is("RangeSubselect")) {
            std::string scanned;
            return is_bounded_query(catalog, source["subquery"], scanned);
        }
        const std::string name = relation_name(source);
        for (const Node with : statement["withClause"]["ctes"].items()) {
            if (with["ctename"].text() == name) {
                return has_limit(with["ctequery"]);
            }
        }
        const Relation* const made = catalog.relation(name);
        return made != nullptr && made->fresh && !made->large;
    });
}

}  // namespace tapline::lint
