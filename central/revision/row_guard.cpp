#include "central/revision/row_guard.hpp"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace tapline::revision {

namespace {

// A table without pages has no rows. Partitions are tables too; their parents hold nothing.
constexpr std::string_view filled_tables_sql =
    "SELECT format('%I.%I', n.nspname, c.relname), c.oid::bigint "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND pg_relation_size(c.oid) > 0 "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tapline') "
    "AND n.nspname NOT LIKE 'pg\\_%'";

std::map<std::string, std::int64_t> filled_tables(pg::Session& session) {
    std::map<std::string, std::int64_t> tables;
    const pg::Result rows = session.run(filled_tables_sql);
    for (const pg::Row row : rows) {
        tables.emplace(row.text(0), row.integer(1));
    }
    return tables;
}

}  // namespace

RowGuard::RowGuard(
    pg::Session& session, const std::set<std::string>& names, const std::string& revision
)
    : session_(session) {
    std::vector<std::string> filled;
    for (const std::string& name : names) {
        session_.run(fmt::format("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", name));
        const pg::Result any =
            session_.run(fmt::format("SELECT EXISTS (SELECT 1 FROM ONLY {})", name));
        if (any[0].boolean(0)) {
            filled.push_back(name);
        }
    }
    if (!filled.empty()) {
        throw Error(
            ErrorKind::refused,
            "rows_would_go",
            fmt::format(
                "taking down {} would drop tables that hold rows: {}",
                revision,
                fmt::join(filled, ", ")
            ),
            fmt::format(
                "{} stays, revisions that were taken down before it are down; take a backup, and "
                "if "
                "the rows may go, run this again with --discard-rows",
                revision
            )
        );
    }
    before_ = filled_tables(session_);
    for (const std::string& name : names) {
        before_.erase(name);
    }
}

std::set<std::string> RowGuard::unseen_losses() {
    const auto after = filled_tables(session_);
    std::set<std::int64_t> kept;
    for (const auto& [name, oid] : after) {
        kept.insert(oid);
    }
    std::set<std::string> lost;
    for (const auto& [name, oid] : before_) {
        if (!kept.contains(oid) && !after.contains(name)) {
            lost.insert(name);
        }
    }
    return lost;
}

}  // namespace tapline::revision
