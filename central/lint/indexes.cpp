// Indexes, and what else works through a whole table: REINDEX, CLUSTER, VACUUM, REFRESH.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

/// WITH (…) options: absent argument and true mean on.
bool option(Node options, std::string_view name) {
    for (const Node each : options.items()) {
        if (each["defname"].text() != name) {
            continue;
        }
        const Node value = each["arg"];
        const std::string word = value["sval"].text();
        return !value || value["boolval"].flag() || value["ival"].number() != 0 ||
               (!word.empty() && word != "false" && word != "off");
    }
    return false;
}

void refuse_in_transaction(Statement& s, const std::string& object, const std::string& what) {
    if (s.transaction.open) {
        s.find(Hazard::not_allowed_in_transaction, object, what + " can't run in a transaction");
    }
}

bool is_partitioned(const Catalog& catalog, const std::string& table) {
    const Relation* const relation = catalog.relation(table);
    return relation != nullptr && !relation->partition_key.empty();
}

Index read_index(Node node, const std::string& table) {
    Index index{.table = table, .unique = node["unique"].flag() && !node["whereClause"]};
    for (const Node each : node["indexParams"].items()) {
        const std::string column = each["name"].text();
        if (!column.empty()) {
            index.columns.push_back(column);
            continue;
        }
        index.unique = false;
        for (const std::string& mentioned : columns_in(each["expr"])) {
            index.columns.push_back(mentioned);
        }
    }
    return index;
}

std::string index_name(Node node, const std::string& table, const Index& index) {
    const std::string given = node["idxname"].text();
    const std::string bare = table.substr(table.rfind('.') + 1);
    return in_schema_of(
        table, given.empty() ? fmt::format("{}_{}_idx", bare, fmt::join(index.columns, "_")) : given
    );
}

void judge_build(Statement& s, Node node, const std::string& table, const std::string& object) {
    const Relation* const relation = s.catalog.relation(table);
    const bool only_parent =
        !node["relation"]["inh"].flag() &&
        (relation == nullptr || !relation->complete || is_partitioned(s.catalog, table));
    const bool is_table = relation == nullptr || relation->kind == RelationKind::table;
    if (only_parent || !is_table) {
        return;  // ON ONLY builds nothing; a materialised view has no writers
    }
    if (!node["concurrent"].flag()) {
        s.find(
            {Hazard::blocks_writes,
             object,
             fmt::format("nobody can write to {} while every row is read", table),
             "CREATE INDEX CONCURRENTLY in a revision with transaction=off",
             std::nullopt}
        );
    }
    s.grows_with("table " + table);
    if (node["unique"].flag()) {
        s.find(
            Hazard::fails_on_existing_rows,
            object,
            node["concurrent"].flag()
                ? "rows that collide make it fail, and leave an invalid index behind"
                : "rows that collide make it fail"
        );
    }
}

}  // namespace

void judge_create_index(Statement& s, Node node) {
    const std::string table = relation_name(node["relation"]);
    Index index = read_index(node, table);
    const std::string name = index_name(node, table, index);
    const std::string object = "index " + name;
    const bool concurrent = node["concurrent"].flag();
    const bool existing = s.catalog.existing(table);
    s.lock(table, concurrent ? Lock::share_update_exclusive : Lock::share);
    if (concurrent) {
        refuse_in_transaction(s, object, "CREATE INDEX CONCURRENTLY");
    }
    const bool dropped = s.catalog.fresh_objects.contains("no " + object);
    if (concurrent && existing && node["if_not_exists"].flag() && !dropped) {
        s.find(
            Hazard::may_keep_invalid_index,
            object,
            "after a build that failed, IF NOT EXISTS finds the invalid index and says it is done"
        );
    }
    if (node["if_not_exists"].flag() && s.catalog.indexes.contains(name)) {
        return;
    }
    if (existing) {
        judge_build(s, node, table, object);
    } else if (s.catalog.holds_rows(table)) {
        s.grows_with("table " + table);
    }
    index.fresh = true;
    s.catalog.indexes[name] = std::move(index);
}

void judge_reindex(Statement& s, Node node) {
    const std::string kind = node["kind"].text();
    const std::string name = relation_name(node["relation"]);
    const bool concurrent = option(node["params"], "concurrently");
    const bool is_index = kind == "REINDEX_OBJECT_INDEX";
    const bool single = is_index || kind == "REINDEX_OBJECT_TABLE";
    const std::string object = is_index ? "index " + name : single ? "table " + name : "database";
    const auto index = s.catalog.indexes.find(name);
    const std::string table =
        is_index && index != s.catalog.indexes.end() ? index->second.table : name;
    if (concurrent || !single || is_partitioned(s.catalog, table)) {
        refuse_in_transaction(
            s, object, concurrent ? "REINDEX CONCURRENTLY" : "REINDEX of many tables"
        );
    }
    s.grows_with(object);
    if (concurrent) {
        s.lock(table, Lock::share_update_exclusive);
        return;
    }
    if (single && !s.catalog.existing(table)) {
        s.slow.clear();
        return;
    }
    s.lock(table, Lock::access_exclusive);
    const char* const safe = "REINDEX … CONCURRENTLY in a revision with transaction=off";
    s.find(
        {Hazard::index_build_under_lock,
         object,
         "the index is built anew while nobody can read or write it",
         safe,
         std::nullopt}
    );
    s.find(
        {Hazard::blocks_reads_and_writes,
         object,
         "every query plan asks for the index and waits, writes wait for the table",
         safe,
         std::nullopt}
    );
}

void judge_cluster(Statement& s, Node node) {
    const std::string table = relation_name(node["relation"]);
    if (table.empty() || is_partitioned(s.catalog, table)) {
        refuse_in_transaction(s, "database", "CLUSTER of many tables");
    }
    if (!table.empty() && !s.catalog.existing(table)) {
        return;
    }
    s.lock(table, Lock::access_exclusive);
    s.grows_with("table " + table);
    s.find(
        {Hazard::table_rewrite,
         table.empty() ? "database" : "table " + table,
         "every row is written again in the order of an index",
         "pg_repack, or an index that covers the query",
         std::nullopt}
    );
}

void judge_vacuum(Statement& s, Node node) {
    std::string object = "database";
    const bool full = option(node["options"], "full");
    const bool vacuum = node["is_vacuumcmd"].flag();
    for (const Node each : node["rels"].items()) {
        const std::string table = relation_name(each["relation"]);
        object = "table " + table;
        s.lock(table, full ? Lock::access_exclusive : Lock::share_update_exclusive);
    }
    if (!vacuum) {
        return;
    }
    refuse_in_transaction(s, object, "VACUUM");
    if (full && (object == "database" || !s.locks.empty())) {
        s.find(
            {Hazard::table_rewrite,
             object,
             "VACUUM FULL writes every row into a new file",
             "plain VACUUM, or pg_repack",
             std::nullopt}
        );
    }
}

void judge_refresh(Statement& s, Node node) {
    const std::string view = relation_name(node["relation"]);
    const std::string object = "materialized view " + view;
    if (!s.catalog.existing(view)) {
        return;
    }
    s.grows_with(object);
    if (node["concurrent"].flag()) {
        s.lock_view(view, Lock::exclusive);
        return;
    }
    s.lock_view(view, Lock::access_exclusive);
    s.find(
        {Hazard::blocks_reads_and_writes,
         object,
         "nobody can read it until its query is through",
         "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index",
         std::nullopt}
    );
    if (node["skipData"].flag()) {
        s.find(Hazard::breaks_clients, object, "reading it fails until it is refreshed with data");
    }
}

}  // namespace tapline::lint
