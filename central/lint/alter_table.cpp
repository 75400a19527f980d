// ALTER TABLE, INDEX, VIEW, SEQUENCE, TYPE: one row per sub-command, with the lock that it takes
// (AlterTableGetLockLevel of PostgreSQL 15, checked on a server by lint_locks_pgtest).
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

using Rule = void (*)(Statement&, const std::string& table, Node command);

void nothing(Statement&, const std::string&, Node) {}

void add_constraint(Statement& s, const std::string& table, Node command) {
    judge_add_constraint(s, table, command["def"]);
}

void validate_constraint(Statement& s, const std::string& table, Node command) {
    judge_validate_constraint(s, table, command["name"].text());
}

void drop_constraint(Statement& s, const std::string& table, Node command) {
    const std::string name = command["name"].text();
    if (s.made_again(fmt::format("constraint {} on {}", name, table))) {
        if (Relation* const relation = s.catalog.relation(table)) {
            relation->drop_constraint(name);
        }
        return;
    }
    judge_drop_constraint(s, table, name);
}

void rewrite(Statement& s, const std::string& table, Node command) {
    if (!s.catalog.existing(table)) {
        return;
    }
    s.find(
        {Hazard::table_rewrite,
         "table " + table,
         command["subtype"].text() == "AT_SetTableSpace"
             ? "every row is copied to the other tablespace while nobody can use the table"
             : "every row is written again while nobody can use the table",
         "fill a new table in batches and let clients move over",
         std::nullopt}
    );
    s.grows_with("table " + table);
}

void set_logged(Statement& s, const std::string& table, Node command) {
    Relation* const relation = s.catalog.relation(table);
    const bool unlogged = command["subtype"].text() == "AT_SetUnLogged";
    if (relation == nullptr || relation->unlogged != unlogged) {
        rewrite(s, table, command);
    }
    if (relation != nullptr) {
        relation->unlogged = unlogged;
    }
}

void silence_trigger(Statement& s, const std::string& table, Node command) {
    const std::string name = command["name"].text();
    const bool fresh =
        s.catalog.fresh_objects.contains(fmt::format("trigger {} on {}", name, table));
    if (s.catalog.existing(table) && !fresh) {
        s.find(
            Hazard::relaxes_integrity,
            name.empty() ? "table " + table : fmt::format("trigger {} on {}", name, table),
            "the trigger doesn't fire for clients from now on, foreign keys' own ones included"
        );
    }
}

void disable_rule(Statement& s, const std::string& table, Node command) {
    if (s.catalog.existing(table)) {
        s.find(
            Hazard::breaks_clients,
            fmt::format("rule {} on {}", command["name"].text(), table),
            "SQL that the rule rewrites means something else from now on"
        );
    }
}

void row_security(Statement& s, const std::string& table, Node) {
    s.find(
        Hazard::access_change, "table " + table, "row level security decides who sees which row"
    );
}

void change_owner(Statement& s, const std::string& table, Node) {
    s.find(Hazard::access_change, "table " + table, "the new owner may do everything with it");
}

struct Subcommand {
    std::string_view name;
    Lock lock;
    Rule rule;
};

using enum Lock;

constexpr std::array subcommands = {
    Subcommand{"AT_AddColumn", access_exclusive, judge_add_column},
    Subcommand{"AT_DropColumn", access_exclusive, judge_column_change},
    Subcommand{"AT_ColumnDefault", access_exclusive, judge_column_change},
    Subcommand{"AT_SetNotNull", access_exclusive, judge_column_change},
    Subcommand{"AT_DropNotNull", access_exclusive, judge_column_change},
    Subcommand{"AT_AddIdentity", access_exclusive, judge_column_change},
    Subcommand{"AT_SetIdentity", access_exclusive, judge_column_change},
    Subcommand{"AT_DropIdentity", access_exclusive, judge_column_change},
    Subcommand{"AT_DropExpression", access_exclusive, judge_column_change},
    Subcommand{"AT_AlterColumnType", access_exclusive, judge_alter_column_type},
    Subcommand{"AT_AddConstraint", none, add_constraint},
    Subcommand{"AT_ValidateConstraint", share_update_exclusive, validate_constraint},
    Subcommand{"AT_DropConstraint", access_exclusive, drop_constraint},
    Subcommand{"AT_SetStatistics", share_update_exclusive, nothing},
    Subcommand{"AT_SetOptions", share_update_exclusive, nothing},
    Subcommand{"AT_ResetOptions", share_update_exclusive, nothing},
    Subcommand{"AT_SetRelOptions", share_update_exclusive, nothing},
    Subcommand{"AT_ResetRelOptions", share_update_exclusive, nothing},
    Subcommand{"AT_ClusterOn", share_update_exclusive, nothing},
    Subcommand{"AT_DropCluster", share_update_exclusive, nothing},
    Subcommand{"AT_SetLogged", access_exclusive, set_logged},
    Subcommand{"AT_SetUnLogged", access_exclusive, set_logged},
    Subcommand{"AT_SetAccessMethod", access_exclusive, rewrite},
    Subcommand{"AT_SetTableSpace", access_exclusive, rewrite},
    Subcommand{"AT_EnableTrig", share_row_exclusive, nothing},
    Subcommand{"AT_EnableTrigAll", share_row_exclusive, nothing},
    Subcommand{"AT_EnableTrigUser", share_row_exclusive, nothing},
    Subcommand{"AT_EnableAlwaysTrig", share_row_exclusive, nothing},
    Subcommand{"AT_EnableReplicaTrig", share_row_exclusive, silence_trigger},
    Subcommand{"AT_DisableTrig", share_row_exclusive, silence_trigger},
    Subcommand{"AT_DisableTrigAll", share_row_exclusive, silence_trigger},
    Subcommand{"AT_DisableTrigUser", share_row_exclusive, silence_trigger},
    Subcommand{"AT_DisableRule", access_exclusive, disable_rule},
    Subcommand{"AT_EnableReplicaRule", access_exclusive, disable_rule},
    Subcommand{"AT_EnableRowSecurity", access_exclusive, row_security},
    Subcommand{"AT_DisableRowSecurity", access_exclusive, row_security},
    Subcommand{"AT_ForceRowSecurity", access_exclusive, row_security},
    Subcommand{"AT_NoForceRowSecurity", access_exclusive, row_security},
    Subcommand{"AT_ChangeOwner", access_exclusive, change_owner},
    Subcommand{"AT_AttachPartition", none, judge_partition_command},
    Subcommand{"AT_DetachPartition", none, judge_partition_command},
    Subcommand{"AT_DetachPartitionFinalize", none, judge_partition_command},
};

/// Everything else changes the catalog only, under the strongest lock.
constexpr Subcommand any_other{"", access_exclusive, nothing};

const Subcommand& subcommand(std::string_view name) {
    const auto found = std::find_if(subcommands.begin(), subcommands.end(), [&](const auto& each) {
        return each.name == name;
    });
    return found == subcommands.end() ? any_other : *found;
}

/// A composite type: rows of tables may hold it.
void alter_type(Statement& s, const std::string& type, Node command) {
    const std::string kind = command["subtype"].text();
    const std::string object = "type " + type;
    if (s.catalog.fresh_objects.contains(object)) {
        return;
    }
    if (kind == "AT_DropColumn") {
        s.find(Hazard::data_loss, object, "what the attribute holds is gone");
    }
    if (kind == "AT_DropColumn" || kind == "AT_AlterColumnType") {
        s.find(Hazard::breaks_clients, object, "SQL that uses the attribute fails or changes");
    } else if (kind == "AT_ChangeOwner") {
        s.find(Hazard::access_change, object, "the new owner may do everything with it");
    }
}

void alter_index(Statement& s, const std::string& index, Node command) {
    const std::string kind = command["subtype"].text();
    const auto known = s.catalog.indexes.find(index);
    if (known != s.catalog.indexes.end() && !s.catalog.existing(known->second.table)) {
        return;
    }
    if (kind == "AT_SetTableSpace") {
        s.locks.push_back({index, access_exclusive, false, false});
        s.grows_with("index " + index);
        s.find(
            Hazard::blocks_reads_and_writes,
            "index " + index,
            "the index is copied to the other tablespace, and every query plan asks for it"
        );
    } else if (kind == "AT_ChangeOwner") {
        s.find(Hazard::access_change, "index " + index, "the new owner may do everything with it");
    }
}

}  // namespace

void judge_alter_table(Statement& s, Node node) {
    const std::string name = relation_name(node["relation"]);
    const std::string type = node["objtype"].text();
    const bool is_index = type == "OBJECT_INDEX" || s.catalog.indexes.contains(name);
    for (const Node command : node["cmds"].items()) {
        if (type == "OBJECT_TYPE") {
            alter_type(s, name, command);
            continue;
        }
        if (is_index) {
            alter_index(s, name, command);
            continue;
        }
        const std::string kind = command["subtype"].text();
        if (type != "OBJECT_TABLE" && kind != "AT_ChangeOwner" && type != "OBJECT_MATVIEW") {
            continue;  // views and foreign tables have no rows of their own here
        }
        const Subcommand& row = subcommand(kind);
        if (row.lock != none) {
            s.lock(name, row.lock);
        }
        row.rule(s, name, command);
    }
}

}  // namespace tapline::lint
