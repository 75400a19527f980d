// ATTACH and DETACH PARTITION, and CREATE TABLE … PARTITION OF.
#include <algorithm>

#include <fmt/format.h>

#include "central/lint/expression.hpp"
#include "central/lint/statement.hpp"

namespace tapline::lint {

namespace {

/// '2026-01-01' and '2026-01-01 00:00:00+00' are the same bound.
bool same_constant(const std::string& a, const std::string& b) {
    return a.starts_with(b) || b.starts_with(a);
}

/// A cautious reading of PartConstraintImpliedByRelConstraint: validated CHECKs name every constant
/// of the bound and the key, and the key can't be NULL.
bool bound_is_proven(
    const Catalog& catalog, const std::string& table, const Relation* parent, Node bound
) {
    const Relation* const relation = catalog.relation(table);
    if (relation == nullptr || bound["is_default"].flag() || bound["strategy"].text() == "h") {
        return false;
    }
    std::set<std::string> constants;
    std::set<std::string> columns;
    std::set<std::string> never_null;
    for (const Constraint& each : relation->constraints) {
        if (each.kind == ConstraintKind::check && each.valid) {
            constants.insert(each.constants.begin(), each.constants.end());
            columns.insert(each.columns.begin(), each.columns.end());
            never_null.insert(each.never_null.begin(), each.never_null.end());
        }
    }
    for (const std::string& wanted : constants_in(bound)) {
        if (std::none_of(constants.begin(), constants.end(), [&](const std::string& each) {
                return same_constant(each, wanted);
            })) {
            return false;
        }
    }
    for (const std::string& key :
         parent == nullptr ? std::vector<std::string>{} : parent->partition_key) {
        const Column* const column = relation->column(key);
        const bool not_null = never_null.contains(key) || (column != nullptr && column->not_null);
        if (!columns.contains(key) || !not_null) {
            return false;
        }
    }
    return !constants.empty();
}

void judge_scan(Statement& s, const std::string& table, const std::string& message) {
    s.find(
        {Hazard::full_scan_under_lock,
         "table " + table,
         message,
         "first a CHECK of the bounds, NOT VALID, on it; VALIDATE it in a later revision; then "
         "nothing is read",
         std::nullopt}
    );
    s.find(
        Hazard::fails_on_existing_rows, "table " + table, "a row on the wrong side makes it fail"
    );
    s.grows_with("table " + table);
}

/// The default partition may hold rows that belong into the new one.
void judge_default_partition(Statement& s, const Relation* parent, Node bound) {
    if (parent == nullptr || parent->default_partition.empty() || bound["is_default"].flag()) {
        return;
    }
    const std::string& other = parent->default_partition;
    s.lock(other, Lock::access_exclusive, true);
    if (s.catalog.existing(other) && !bound_is_proven(s.catalog, other, parent, bound)) {
        judge_scan(s, other, "every row of the default partition is read, under ACCESS EXCLUSIVE");
    }
}

void note_partition(
    Catalog& catalog, const std::string& parent, const std::string& partition, Node bound
) {
    if (Relation* const child = catalog.relation(partition)) {
        child->parent = parent;
    }
    Relation* const whole = catalog.relation(parent);
    if (whole != nullptr && bound["is_default"].flag()) {
        whole->default_partition = partition;
    }
}

void attach(Statement& s, const std::string& parent_name, Node def) {
    const std::string partition = relation_name(def["name"]);
    const Relation* const parent = s.catalog.relation(parent_name);
    const Node bound = def["bound"];
    s.lock(parent_name, Lock::share_update_exclusive);
    s.lock(partition, Lock::access_exclusive);
    if (s.catalog.existing(partition) && !bound_is_proven(s.catalog, partition, parent, bound)) {
        judge_scan(s, partition, "every row is checked against the bounds, under ACCESS EXCLUSIVE");
    }
    judge_default_partition(s, parent, bound);
    note_partition(s.catalog, parent_name, partition, bound);
}

void detach(Statement& s, const std::string& parent, Node def) {
    const std::string partition = relation_name(def["name"]);
    if (Relation* const child = s.catalog.relation(partition)) {
        child->parent.clear();
    }
    if (Relation* const whole = s.catalog.relation(parent)) {
        if (whole->default_partition == partition) {
            whole->default_partition.clear();
        }
    }
    if (def["concurrent"].flag()) {
        s.lock(parent, Lock::share_update_exclusive);
        if (s.transaction.open) {
            s.find(
                Hazard::not_allowed_in_transaction,
                "table " + parent,
                "DETACH PARTITION … CONCURRENTLY can't run in a transaction"
            );
        }
        return;
    }
    s.lock(parent, Lock::access_exclusive);
    s.lock(partition, Lock::access_exclusive, true);
    if (s.catalog.existing(parent)) {
        s.find(
            {Hazard::blocks_reads_and_writes,
             "table " + parent,
             "nobody can use any partition until the transaction ends",
             "DETACH PARTITION … CONCURRENTLY in a revision with transaction=off",
             std::nullopt}
        );
    }
}

}  // namespace

void judge_partition_command(Statement& s, const std::string& table, Node command) {
    const std::string kind = command["subtype"].text();
    if (kind == "AT_AttachPartition") {
        attach(s, table, command["def"]);
    } else if (kind == "AT_DetachPartition") {
        detach(s, table, command["def"]);
    } else {
        s.lock(table, Lock::share_update_exclusive);
    }
}

void judge_new_partition(
    Statement& s, const std::string& parent_name, const std::string& partition, Node bound
) {
    const Relation* const parent = s.catalog.relation(parent_name);
    s.lock(parent_name, Lock::access_exclusive);
    if (s.catalog.existing(parent_name)) {
        s.find(
            {Hazard::blocks_reads_and_writes,
             "table " + parent_name,
             "PARTITION OF takes ACCESS EXCLUSIVE on the whole table until the transaction ends",
             "CREATE TABLE … (LIKE …), then ATTACH PARTITION, which lets reads and writes go on",
             Severity::warn}
        );
    }
    judge_default_partition(s, parent, bound);
    note_partition(s.catalog, parent_name, partition, bound);
}

}  // namespace tapline::lint
