#include "central/lint/remake.hpp"

#include <fmt/format.h>

#include "central/lint/catalog.hpp"

namespace tapline::lint {

namespace {

std::vector<std::string> constraints_of(Node node) {
    std::vector<std::string> result;
    for (const Node command : node["cmds"].items()) {
        const std::string name = command["def"]["conname"].text();
        if (command["subtype"].text() == "AT_AddConstraint" && !name.empty()) {
            result.push_back(
                fmt::format("constraint {} on {}", name, relation_name(node["relation"]))
            );
        }
    }
    return result;
}

std::vector<std::string> setting_of(Node node) {
    const std::string kind = node["kind"].text();
    if (kind == "VAR_RESET_ALL") {
        return {"setting all"};
    }
    if (kind == "VAR_RESET" || kind == "VAR_SET_DEFAULT") {
        return {"setting " + node["name"].text()};
    }
    return {};
}

}  // namespace

std::vector<std::string> remade_by(Node node) {
    const std::string_view type = node.type();
    const std::string table = relation_name(node["relation"]);
    if (type == "CreateStmt") {
        return {"relation " + table};
    }
    if (type == "ViewStmt") {
        return {"relation " + relation_name(node["view"])};
    }
    if (type == "CreateTableAsStmt") {
        return {"relation " + relation_name(node["into"]["rel"])};
    }
    if (type == "RenameStmt" && node["renameType"].text() == "OBJECT_TABLE") {
        return {"relation " + in_schema_of(table, node["newname"].text())};
    }
    if (type == "IndexStmt") {
        return {"index " + in_schema_of(table, node["idxname"].text())};
    }
    if (type == "CreateTrigStmt") {
        return {fmt::format("trigger {} on {}", node["trigname"].text(), table)};
    }
    if (type == "CreatePolicyStmt") {
        return {fmt::format(
            "policy {} on {}", node["policy_name"].text(), relation_name(node["table"])
        )};
    }
    if (type == "RuleStmt") {
        return {fmt::format("rule {} on {}", node["rulename"].text(), table)};
    }
    if (type == "CreateFunctionStmt") {
        return {"function " + dotted(node["funcname"].strings())};
    }
    if (type == "CreateEnumStmt") {
        return {"type " + dotted(node["typeName"].strings())};
    }
    if (type == "AlterTableStmt") {
        return constraints_of(node);
    }
    return type == "VariableSetStmt" ? setting_of(node) : std::vector<std::string>{};
}

}  // namespace tapline::lint
