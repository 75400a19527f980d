// DROP, TRUNCATE and LOCK TABLE.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

struct Target {
    std::string name;   ///< "tapline.receipt"
    std::string table;  ///< of a trigger, rule or policy
};

Target target_of(Node object, bool on_table) {
    std::vector<std::string> parts;
    if (object.is("List")) {
        parts = object["items"].strings();
    } else if (object.is("TypeName")) {
        parts = object["names"].strings();
    } else if (object.is("ObjectWithArgs")) {
        parts = object["objname"].strings();
    } else {
        parts = {object["sval"].text()};
    }
    Target target;
    if (on_table && !parts.empty()) {
        target.name = parts.back();
        parts.pop_back();
        target.table = dotted(parts);
    } else {
        target.name = dotted(parts);
    }
    return target;
}

/// A foreign key between two tables is dropped under ACCESS EXCLUSIVE on both.
void judge_links(Statement& s, const std::string& name, bool cascade) {
    for (const std::string& linked : s.catalog.linked_tables(name)) {
        if (!s.catalog.existing(linked)) {
            continue;
        }
        s.lock(linked, Lock::access_exclusive, true);
        s.find(
            {Hazard::blocks_reads_and_writes,
             "table " + linked,
             fmt::format(
                 "its foreign key with {} goes too, so nobody can use it until the transaction "
                 "ends",
                 name
             ),
             "drop the foreign key in a revision of its own first",
             Severity::warn}
        );
        const Relation& other = *s.catalog.relation(linked);
        if (cascade && std::any_of(
                           other.constraints.begin(),
                           other.constraints.end(),
                           [&](const Constraint& each) { return each.references == name; }
                       )) {
            s.find(Hazard::relaxes_integrity, "table " + linked, "CASCADE drops its foreign key");
        }
    }
}

void drop_table(Statement& s, const std::string& name, bool cascade) {
    const Relation* const relation = s.catalog.relation(name);
    const std::string object = "table " + name;
    const std::string parent = relation == nullptr ? "" : relation->parent;
    s.lock(name, Lock::access_exclusive);
    judge_links(s, name, cascade);
    if (!parent.empty() && s.catalog.existing(parent)) {
        s.lock(parent, Lock::access_exclusive, true);
        s.find(
            {Hazard::blocks_reads_and_writes,
             "table " + parent,
             "dropping a partition takes ACCESS EXCLUSIVE on the whole table",
             "DETACH PARTITION … CONCURRENTLY first",
             std::nullopt}
        );
    }
    if (s.catalog.existing(name)) {
        s.find(Hazard::data_loss, object, "its rows are gone");
        if (!s.made_again("relation " + name)) {
            s.find(Hazard::breaks_clients, object, "SQL that names the table fails from now on");
        }
    } else if (s.undo) {
        s.find(
            {Hazard::data_loss,
             object,
             "what was written into it since the upgrade is gone",
             {},
             Severity::warn}
        );
    }
    s.catalog.drop_relation(name);
}

void drop_view(Statement& s, const std::string& name, const std::string& word) {
    const bool existing = s.catalog.existing(name);
    s.lock_view(name, Lock::access_exclusive);
    if (existing && !s.made_again("relation " + name)) {
        s.find(Hazard::breaks_clients, word + " " + name, "SQL that reads it fails from now on");
    }
    s.catalog.drop_relation(name);
}

void drop_index(Statement& s, const std::string& name, bool concurrent) {
    const std::string object = "index " + name;
    const auto known = s.catalog.indexes.find(name);
    const std::string table = known == s.catalog.indexes.end() ? "" : known->second.table;
    const bool existing = table.empty() || s.catalog.existing(table);
    const bool guards = known != s.catalog.indexes.end() && known->second.unique;
    const bool fresh = known != s.catalog.indexes.end() && known->second.fresh;
    s.lock(
        table.empty() ? name : table,
        concurrent ? Lock::share_update_exclusive : Lock::access_exclusive
    );
    if (concurrent && s.transaction.open) {
        s.find(
            Hazard::not_allowed_in_transaction,
            object,
            "DROP INDEX CONCURRENTLY can't run in a transaction"
        );
    }
    if (!concurrent && existing) {
        s.find(
            {Hazard::blocks_reads_and_writes,
             object,
             "nobody can use its table from the moment it waits until the transaction ends",
             "DROP INDEX CONCURRENTLY in a revision with transaction=off",
             std::nullopt}
        );
    }
    if (existing && guards && !fresh && !s.made_again(object)) {
        s.find(Hazard::relaxes_integrity, object, "rows that collide are let in from now on");
    }
    s.catalog.indexes.erase(name);
    s.catalog.fresh_objects.insert("no " + object);
}

void drop_on_table(Statement& s, const Target& target, const std::string& word) {
    const std::string object = fmt::format("{} {} on {}", word, target.name, target.table);
    s.lock(target.table, Lock::access_exclusive);
    if (!s.goes_away(object) || !s.catalog.existing(target.table)) {
        return;
    }
    if (word == "trigger") {
        s.find(Hazard::relaxes_integrity, object, "what the trigger saw to isn't done any more");
    } else if (word == "policy") {
        s.find(Hazard::access_change, object, "other rows can be seen or written from now on");
    } else {
        s.find(
            Hazard::breaks_clients,
            object,
            "SQL that the rule rewrites means something else from now on"
        );
    }
}

/// Types, functions, schemas, extensions and the like.
void drop_other(Statement& s, const std::string& name, const std::string& word, bool cascade) {
    const std::string object = word + " " + name;
    const auto domain = s.catalog.domains.find(name);
    const bool fresh_domain = domain != s.catalog.domains.end() && domain->second.fresh;
    if (word == "statistics" || word == "event trigger" || fresh_domain || !s.goes_away(object)) {
        return;
    }
    s.find(Hazard::breaks_clients, object, "SQL that uses it fails from now on");
    constexpr std::array<std::string_view, 4> holders = {"type", "domain", "schema", "extension"};
    if (cascade && std::find(holders.begin(), holders.end(), word) != holders.end()) {
        s.find(Hazard::data_loss, object, "CASCADE drops the tables and columns that use it");
    }
}

std::string list_of(Statement& s, Node relations, Lock lock) {
    std::string list;
    for (const Node each : relations.items()) {
        const std::string name = relation_name(each);
        s.lock(name, lock);
        if (s.catalog.existing(name)) {
            list += (list.empty() ? "table " : ", table ") + name;
        }
    }
    return list;
}

}  // namespace

std::string object_word(std::string_view object_type) {
    if (object_type == "OBJECT_MATVIEW") {
        return "materialized view";
    }
    if (object_type == "OBJECT_STATISTIC_EXT") {
        return "statistics";
    }
    if (object_type == "OBJECT_PROCEDURE" || object_type == "OBJECT_ROUTINE") {
        return "function";
    }
    std::string word(object_type.substr(object_type.find('_') + 1));
    for (char& c : word) {
        c = c == '_' ? ' ' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return word;
}

void judge_drop(Statement& s, Node node) {
    const std::string type = node["removeType"].text();
    const std::string word = object_word(type);
    const bool cascade = node["behavior"].text() == "DROP_CASCADE";
    const bool on_table = word == "trigger" || word == "policy" || word == "rule";
    for (const Node object : node["objects"].items()) {
        const Target target = target_of(object, on_table);
        if (type == "OBJECT_TABLE") {
            drop_table(s, target.name, cascade);
        } else if (type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW" || type == "OBJECT_FOREIGN_TABLE") {
            drop_view(s, target.name, word);
        } else if (type == "OBJECT_INDEX") {
            drop_index(s, target.name, node["concurrent"].flag());
        } else if (on_table) {
            drop_on_table(s, target, word);
        } else {
            drop_other(s, target.name, word, cascade);
            s.catalog.domains.erase(target.name);
        }
    }
}

void judge_truncate(Statement& s, Node node) {
    const std::string tables = list_of(s, node["relations"], Lock::access_exclusive);
    if (node["behavior"].text() == "DROP_CASCADE") {
        for (const Node each : node["relations"].items()) {
            for (const std::string& linked : s.catalog.linked_tables(relation_name(each))) {
                s.lock(linked, Lock::access_exclusive, true);
            }
        }
    }
    if (tables.empty()) {
        return;
    }
    s.find(Hazard::data_loss, tables, "every row is gone");
    s.find(
        {Hazard::blocks_reads_and_writes,
         tables,
         "nobody can use the table until the transaction ends",
         "DELETE in batches, with a verified backup",
         std::nullopt}
    );
}

void judge_lock_table(Statement& s, Node node) {
    const auto lock = static_cast<Lock>(node["mode"].number());
    const std::string tables = list_of(s, node["relations"], lock);
    if (tables.empty() || !stops_writes(lock)) {
        return;
    }
    s.find(
        {stops_everybody(lock) ? Hazard::blocks_reads_and_writes : Hazard::blocks_writes,
         tables,
         fmt::format("{} is held until the transaction ends", to_string(lock)),
         "leave it out; each statement takes the lock that it needs",
         std::nullopt}
    );
}

}  // namespace tapline::lint
