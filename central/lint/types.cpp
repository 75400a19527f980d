// Enums, domains, functions, triggers and rules.
#include <fmt/format.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

/// Columns of the domain; nullopt-like empty with `known` false: anybody may use it.
struct DomainUse {
    bool known = false;
    std::set<std::string> tables;
};

DomainUse use_of(const Catalog& catalog, const std::string& domain) {
    DomainUse use;
    use.known = catalog.domains.contains(domain);
    for (const auto& each : catalog.relations) {
        for (const Column& column : each.second.columns) {
            if (column.type.name == domain && catalog.existing(each.first)) {
                use.tables.insert(each.first);
            }
        }
    }
    return use;
}

/// Every table with such a column is read under SHARE (validateDomainConstraint).
void judge_domain_scan(Statement& s, const std::string& name, bool new_rule) {
    const DomainUse use = use_of(s.catalog, name);
    if (use.known && use.tables.empty()) {
        return;
    }
    for (const std::string& table : use.tables) {
        s.lock(table, Lock::share);
    }
    if (use.tables.empty()) {
        s.locks.push_back({"domain " + name, Lock::share, true, false});
    }
    s.grows_with("domain " + name);
    s.find(
        {Hazard::blocks_writes,
         "domain " + name,
         "nobody can write to any table with a column of the domain while its rows are read",
         "a CHECK on each table, NOT VALID first, VALIDATE CONSTRAINT in a later revision",
         std::nullopt}
    );
    if (new_rule) {
        s.find(
            Hazard::fails_on_existing_rows,
            "domain " + name,
            "a value that is already there may break the rule"
        );
    }
}

}  // namespace

void judge_enum(Statement& s, Node node) {
    const std::string type = dotted(node["typeName"].strings());
    const std::string value = node["newVal"].text();
    auto& values = s.catalog.enums[type];
    if (node["oldVal"]) {
        if (s.goes_away("type " + type)) {
            s.find(
                Hazard::breaks_clients,
                "type " + type,
                "SQL with the old value fails, and clients read a word that they don't know"
            );
        }
        values.erase(node["oldVal"].text());
        values.insert(value);
        return;
    }
    if (!node["skipIfNewValExists"].flag() || !values.contains(value)) {
        s.transaction.enum_values[value] = type;
    }
    values.insert(value);
}

void judge_create_domain(Statement& s, Node node) {
    Domain domain{.base = type_of(node["typeName"]), .fresh = true};
    for (const Node each : node["constraints"].items()) {
        const std::string kind = each["contype"].text();
        domain.constrained =
            domain.constrained || kind == "CONSTR_CHECK" || kind == "CONSTR_NOTNULL";
    }
    s.catalog.domains[dotted(node["domainname"].strings())] = domain;
}

void judge_domain(Statement& s, Node node) {
    const std::string name = dotted(node["typeName"].strings());
    const std::string kind = node["subtype"].text();
    const auto found = s.catalog.domains.find(name);
    const bool fresh = found != s.catalog.domains.end() && found->second.fresh;
    const bool adds = kind == "C" || kind == "O";
    if (found != s.catalog.domains.end() && adds) {
        found->second.constrained = true;
    }
    if (fresh) {
        return;
    }
    if (adds && !node["def"]["skip_validation"].flag()) {
        judge_domain_scan(s, name, true);
    } else if (kind == "V") {
        judge_domain_scan(s, name, false);
    } else if (kind == "X" || kind == "N") {
        s.find(
            Hazard::relaxes_integrity,
            "domain " + name,
            "values that the domain refuses are let in from now on"
        );
    }
}

void judge_create_function(Statement& s, Node node) {
    const std::string name = dotted(node["funcname"].strings());
    const bool known = s.catalog.immutable_functions.contains(name);
    bool steady = false;
    for (const Node each : node["options"].items()) {
        if (each["defname"].text() == "volatility") {
            steady = each["arg"]["sval"].text() != "volatile";
        }
    }
    s.catalog.immutable_functions[name] = steady;
    if (!node["replace"].flag() || !known) {
        s.catalog.fresh_objects.insert("function " + name);
    }
}

void judge_create_trigger(Statement& s, Node node) {
    const std::string table = relation_name(node["relation"]);
    s.lock(table, Lock::share_row_exclusive);
    s.catalog.fresh_objects.insert(fmt::format("trigger {} on {}", node["trigname"].text(), table));
}

void judge_create_rule(Statement& s, Node node) {
    const std::string table = relation_name(node["relation"]);
    const Relation* const relation = s.catalog.relation(table);
    const std::string object = fmt::format("rule {} on {}", node["rulename"].text(), table);
    s.lock(table, Lock::access_exclusive);
    const bool is_view = relation != nullptr && relation->kind == RelationKind::view;
    if (node["instead"].flag() && !is_view && s.catalog.existing(table)) {
        s.find(
            Hazard::breaks_clients, object, "what clients write is done in another way from now on"
        );
    }
    s.catalog.fresh_objects.insert(object);
}

}  // namespace tapline::lint
