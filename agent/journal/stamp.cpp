#include <fmt/format.h>

#include "agent/journal/ledger.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/journal/schema_run.hpp"
#include "agent/journal/totals.hpp"
#include "common/revision/digest.hpp"
#include "common/revision/resolve.hpp"
#include "common/version.hpp"

namespace tapline::journal {

namespace {

/// Tables of ours stay behind when a journal goes down, with what hangs on them alone.
bool may_stay_behind(const std::string& object) {
    return object.starts_with("table ") || object.starts_with("index ");
}

void add_own_differences(
    const ObjectMap& expected, const ObjectMap& found, std::vector<Difference>& differences
) {
    for (const auto& [object, sql] : expected) {
        const auto other = found.find(object);
        if (other == found.end()) {
            differences.push_back({object, "removed", sql, std::nullopt});
        } else if (other->second != sql) {
            differences.push_back({object, "changed", sql, other->second});
        }
    }
    for (const auto& [object, sql] : found) {
        if (!expected.contains(object) && !(expected.empty() && may_stay_behind(object))) {
            differences.push_back({object, "added", std::nullopt, sql});
        }
    }
}

}  // namespace

MigrateResult stamp(Database& database, std::string_view target) {
    Transaction transaction(database);
    const auto& lineage = journal_lineage();
    const auto ids = revision::resolve(lineage, target);
    if (ids.size() != 1) {
        throw Error(
            ErrorKind::usage,
            "not_found",
            fmt::format("'{}' names no single revision", target),
            "Name one revision, e.g. gen8."
        );
    }
    const auto found = read_table(database, "pours");
    auto differences =
        found ? compare_tables("pours", expected_pours(ids.front()), *found)
              : std::vector<Difference>{{"table pours", "removed", "table", std::nullopt}};
    add_own_differences(expected_objects(ids.front()), own_objects(database), differences);
    if (!differences.empty()) {
        refuse_unknown(database, {Recognised::Kind::unknown, ids.front(), differences});
    }
    const auto& revision = lineage.at(ids.front());
    const auto before = ledger_revision(database).value_or("");
    LogEntry entry;
    entry.revision = revision.id;
    entry.revises = revision.revises.empty() ? std::string{} : revision.revises.front();
    entry.direction = "stamp";
    entry.found = before;
    entry.current_after = revision.id;
    entry.digest = revision::digest(revision);
    entry.agent_version = version;
    entry.downgrade_sql = revision.irreversible ? std::string{} : revision.downgrade.raw;
    append_ledger(database, entry);
    transaction.commit();
    return {before, revision.id, read_totals(database).per_status, {}, before != revision.id};
}

}  // namespace tapline::journal
