// INSERT, UPDATE, DELETE, MERGE and SELECT.
#include <algorithm>

#include <fmt/format.h>

#include "central/lint/bounds.hpp"
#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

/// A WITH clause may write too.
void judge_with(Statement& s, Node node) {
    for (const Node each : node["withClause"]["ctes"].items()) {
        const Node query = each["ctequery"];
        if (!query.is("SelectStmt")) {
            judge(s, query);
        }
    }
}

void whole_table(Statement& s, const std::string& table, const std::string& verb) {
    s.grows_with("table " + table);
    s.find(
        Hazard::whole_table_write,
        "table " + table,
        s.looped ? fmt::format("{} in a loop, once per row of something", verb)
                 : fmt::format("{} of as many rows as happen to fit", verb)
    );
}

bool is_unbounded(const Statement& s, Node node, const std::string& table, Node from) {
    if (s.batched) {
        return false;
    }
    return s.looped || (!is_bounded(s.catalog, table, node["whereClause"]) &&
                        !joins_bounded(s.catalog, node, from));
}

}  // namespace

void judge_update(Statement& s, Node node) {
    judge_with(s, node);
    const std::string table = relation_name(node["relation"]);
    if (Relation* const relation = s.catalog.relation(table)) {
        for (const Node each : node["targetList"].items()) {
            if (Column* const column = relation->column(each["name"].text())) {
                column->blank = false;
            }
        }
    }
    s.lock(table, Lock::row_exclusive);
    if (s.catalog.existing(table) && is_unbounded(s, node, table, node["fromClause"])) {
        whole_table(s, table, "UPDATE");
    } else if (s.catalog.holds_rows(table) && !node["whereClause"] && !s.catalog.existing(table)) {
        s.grows_with("table " + table);
    }
}

void judge_delete(Statement& s, Node node) {
    judge_with(s, node);
    const std::string table = relation_name(node["relation"]);
    s.lock(table, Lock::row_exclusive);
    if (!s.catalog.existing(table)) {
        return;
    }
    s.find(Hazard::data_loss, "table " + table, "rows are gone");
    if (is_unbounded(s, node, table, node["usingClause"])) {
        whole_table(s, table, "DELETE");
    }
}

void judge_insert(Statement& s, Node node) {
    judge_with(s, node);
    const std::string table = relation_name(node["relation"]);
    const Node select = node["selectStmt"];
    s.lock(table, Lock::row_exclusive);
    judge_with(s, select);
    std::string scanned;
    const bool bounded =
        !select || select["valuesLists"] || is_bounded_query(s.catalog, select, scanned);
    if (s.batched) {
        return;
    }
    if (!scanned.empty()) {
        s.grows_with("table " + scanned);
    }
    if (s.catalog.existing(table) && (!bounded || s.looped)) {
        whole_table(s, table, "INSERT");
    } else if (Relation* const made = s.catalog.relation(table); made != nullptr && !bounded) {
        made->large = true;
    }
}

void judge_merge(Statement& s, Node node) {
    judge_with(s, node);
    const std::string table = relation_name(node["relation"]);
    s.lock(table, Lock::row_exclusive);
    if (!s.catalog.existing(table)) {
        return;
    }
    const Node source = node["sourceRelation"];
    std::string scanned;
    const bool bounded =
        source.is("RangeSubselect") && is_bounded_query(s.catalog, source["subquery"], scanned);
    if (!bounded && (!source["relname"] || s.catalog.existing(relation_name(source)))) {
        whole_table(s, table, "MERGE");
    }
    for (const Node each : node["mergeWhenClauses"].items()) {
        if (each["commandType"].text() == "CMD_DELETE") {
            s.find(Hazard::data_loss, "table " + table, "rows are gone");
        }
    }
}

void judge_select(Statement& s, Node node) {
    judge_with(s, node);
    judge_set_config(s, node);
    const std::string into = relation_name(node["intoClause"]["rel"]);
    if (!into.empty()) {
        s.catalog.relations[into] = Relation{.fresh = true, .complete = false};
    }
    std::string scanned;
    const bool bounded = is_bounded_query(s.catalog, node, scanned);
    if (!bounded || !scanned.empty()) {
        s.grows_with("table " + scanned);
    }
}

}  // namespace tapline::lint
