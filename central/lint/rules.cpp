// Which rule a statement meets: one row per node type of the parse tree.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"
#include "central/lint/transaction.hpp"

namespace tapline::lint {

namespace {

using Rule = void (*)(Statement&, Node);

std::string objects_of(Node node) {
    std::string list;
    for (const std::string& table : tables_in(node["objects"])) {
        list += (list.empty() ? "table " : ", table ") + table;
    }
    return list;
}

void grant(Statement& s, Node node) {
    const std::string objects = objects_of(node);
    s.find(
        Hazard::access_change,
        objects.empty() ? object_word(node["objtype"].text()) : objects,
        node["is_grant"].flag() ? "privileges are given" : "privileges are taken away"
    );
}

void change_access(Statement& s, Node node) {
    const std::string role = node["role"]["rolename"].text();
    s.find(
        Hazard::access_change,
        role.empty() ? "roles" : "role " + role,
        "what roles may do, or who they are, changes"
    );
}

void change_policy(Statement& s, Node node) {
    const std::string table = relation_name(node["table"]);
    const std::string object = fmt::format("policy {} on {}", node["policy_name"].text(), table);
    s.lock(table, Lock::access_exclusive);
    s.find(Hazard::access_change, object, "a policy decides who sees or writes which row");
    s.catalog.fresh_objects.insert(object);
}

void change_owner(Statement& s, Node node) {
    s.find(
        Hazard::access_change,
        object_word(node["objectType"].text()),
        "the new owner may do everything with it"
    );
}

void alter_function(Statement& s, Node node) {
    for (const Node each : node["actions"].items()) {
        if (each["defname"].text() == "security") {
            s.find(
                Hazard::access_change,
                "function " + dotted(node["func"]["objname"].strings()),
                "it runs with another role's rights from now on"
            );
        }
    }
}

void drop_owned(Statement& s, Node) {
    s.find(Hazard::data_loss, "objects of a role", "everything that the role owns is dropped");
    s.find(Hazard::breaks_clients, "objects of a role", "SQL that names them fails from now on");
    s.find(Hazard::access_change, "objects of a role", "its privileges are revoked");
}

void outside_transaction(Statement& s, Node node) {
    if (s.transaction.open) {
        s.find(
            Hazard::not_allowed_in_transaction,
            "server",
            fmt::format("{} can't run in a transaction", node.type())
        );
    }
}

void alter_database(Statement& s, Node node) {
    for (const Node each : node["options"].items()) {
        if (each["defname"].text() == "tablespace") {
            outside_transaction(s, node);
        }
    }
}

void drop_database(Statement& s, Node node) {
    outside_transaction(s, node);
    const std::string object = "database " + node["dbname"].text();
    s.find(Hazard::data_loss, object, "everything in it is gone");
    s.find(Hazard::breaks_clients, object, "its clients can't connect any more");
}

/// A subscription that makes or drops its slot talks to the other server, outside any transaction.
void subscription(Statement& s, Node node) {
    for (const Node each : node["options"].items()) {
        const std::string name = each["defname"].text();
        const Node value = each["arg"];
        const bool off = value["sval"].text() == "false" || value["sval"].text() == "off" ||
                         (value["boolval"] && !value["boolval"]["boolval"].flag());
        if ((name == "create_slot" || name == "connect" || name == "refresh") && off) {
            return;
        }
    }
    outside_transaction(s, node);
}

template <const char* Prefix>
void made(Statement& s, Node node) {
    s.catalog.fresh_objects.insert(Prefix + dotted(node["typeName"].strings()));
}

constexpr char type_prefix[] = "type ";

void create_enum(Statement& s, Node node) {
    const std::string name = dotted(node["typeName"].strings());
    s.catalog.fresh_objects.insert("type " + name);
    const auto values = node["vals"].strings();
    s.catalog.enums[name] = {values.begin(), values.end()};
}

void create_composite(Statement& s, Node node) {
    s.catalog.fresh_objects.insert("type " + relation_name(node["typevar"]));
}

void create_sequence(Statement& s, Node node) {
    s.catalog.fresh_objects.insert("sequence " + relation_name(node["sequence"]));
}

void create_schema(Statement& s, Node node) {
    s.catalog.fresh_objects.insert("schema " + node["schemaname"].text());
    for (const Node each : node["schemaElts"].items()) {
        judge(s, each);
    }
}

/// EXPLAIN ANALYZE runs it; PREPARE will be run, COPY (query) TO may write.
void run_inner(Statement& s, Node node) {
    bool runs = !node.is("ExplainStmt");
    for (const Node each : node["options"].items()) {
        runs = runs || each["defname"].text() == "analyze";
    }
    if (runs && node["query"]) {
        judge(s, node["query"]);
    }
}

void copy(Statement& s, Node node) {
    const std::string table = relation_name(node["relation"]);
    if (!node["is_from"].flag()) {
        run_inner(s, node);
        return;
    }
    s.lock(table, Lock::row_exclusive);
    if (s.catalog.existing(table)) {
        s.grows_with("table " + table);
        s.find(Hazard::whole_table_write, "table " + table, "COPY of as many rows as the file has");
    }
}

/// These fetch the list of tables from the other server, unless refresh = false.
void alter_subscription(Statement& s, Node node) {
    const std::string kind = node["kind"].text();
    if (kind.ends_with("REFRESH") || kind.ends_with("PUBLICATION")) {
        subscription(s, node);
    }
}

void quick_table_lock(Statement& s, Node node) {
    for (const std::string& table : tables_in(node)) {
        s.lock(table, Lock::share_update_exclusive);
    }
}

struct Row {
    std::string_view type;
    Rule rule;
};

constexpr std::array rows = {
    Row{"AlterTableStmt", judge_alter_table},
    Row{"CreateStmt", judge_create_table},
    Row{"CreateTableAsStmt", judge_create_table_as},
    Row{"ViewStmt", judge_create_view},
    Row{"IndexStmt", judge_create_index},
    Row{"ReindexStmt", judge_reindex},
    Row{"ClusterStmt", judge_cluster},
    Row{"VacuumStmt", judge_vacuum},
    Row{"RefreshMatViewStmt", judge_refresh},
    Row{"DropStmt", judge_drop},
    Row{"RenameStmt", judge_rename},
    Row{"AlterObjectSchemaStmt", judge_set_schema},
    Row{"TruncateStmt", judge_truncate},
    Row{"LockStmt", judge_lock_table},
    Row{"UpdateStmt", judge_update},
    Row{"DeleteStmt", judge_delete},
    Row{"InsertStmt", judge_insert},
    Row{"MergeStmt", judge_merge},
    Row{"SelectStmt", judge_select},
    Row{"VariableSetStmt", judge_set},
    Row{"DiscardStmt", judge_discard},
    Row{"TransactionStmt", judge_transaction},
    Row{"AlterEnumStmt", judge_enum},
    Row{"AlterDomainStmt", judge_domain},
    Row{"CreateDomainStmt", judge_create_domain},
    Row{"CreateFunctionStmt", judge_create_function},
    Row{"CreateTrigStmt", judge_create_trigger},
    Row{"RuleStmt", judge_create_rule},
    Row{"DoStmt", judge_do},
    Row{"GrantStmt", grant},
    Row{"GrantRoleStmt", change_access},
    Row{"AlterDefaultPrivilegesStmt", change_access},
    Row{"CreateRoleStmt", change_access},
    Row{"AlterRoleStmt", change_access},
    Row{"DropRoleStmt", change_access},
    Row{"ReassignOwnedStmt", change_access},
    Row{"SecLabelStmt", change_access},
    Row{"CreatePolicyStmt", change_policy},
    Row{"AlterPolicyStmt", change_policy},
    Row{"AlterOwnerStmt", change_owner},
    Row{"AlterFunctionStmt", alter_function},
    Row{"DropOwnedStmt", drop_owned},
    Row{"CreatedbStmt", outside_transaction},
    Row{"DropdbStmt", drop_database},
    Row{"AlterDatabaseStmt", alter_database},
    Row{"AlterSystemStmt", outside_transaction},
    Row{"CreateTableSpaceStmt", outside_transaction},
    Row{"DropTableSpaceStmt", outside_transaction},
    Row{"CreateSubscriptionStmt", subscription},
    Row{"AlterSubscriptionStmt", alter_subscription},
    Row{"DropSubscriptionStmt", outside_transaction},
    Row{"CreateEnumStmt", create_enum},
    Row{"CreateRangeStmt", made<type_prefix>},
    Row{"CompositeTypeStmt", create_composite},
    Row{"CreateSeqStmt", create_sequence},
    Row{"CreateSchemaStmt", create_schema},
    Row{"ExplainStmt", run_inner},
    Row{"PrepareStmt", run_inner},
    Row{"CopyStmt", copy},
    Row{"CreateStatsStmt", quick_table_lock},
};

}  // namespace

void judge(Statement& s, Node node) {
    judge_enum_use(s, node);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& each) {
        return each.type == node.type();
    });
    if (row != rows.end()) {
        row->rule(s, node);
    }
    judge_transaction_wide(s);
}

}  // namespace tapline::lint
