#include "central/revision/alone_run.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::revision {

namespace {

// An index is in its table's schema.
constexpr std::string_view index_valid_sql =
    "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = to_regclass($1) AND c.relname = $2 AND i.indisvalid AND i.indisready)";
constexpr std::string_view invalid_index_sql =
    "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = to_regclass($1) AND c.relname = $2 AND NOT (i.indisvalid AND i.indisready)";
constexpr std::string_view index_gone_sql = "SELECT to_regclass($1) IS NULL AND $2 = ''";
constexpr std::string_view index_oid_sql = "SELECT coalesce(to_regclass($1)::oid::text, '')";
constexpr std::string_view table_index_oids_sql =
    "SELECT coalesce(string_agg(i.indexrelid::text, ',' ORDER BY i.indexrelid), '') "
    "FROM pg_index i WHERE i.indrelid = to_regclass($1)";
constexpr std::string_view any_kept_sql =
    "SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = to_regclass($1) "
    "AND i.indexrelid::text = ANY (string_to_array($2, ',')))";
// REINDEX CONCURRENTLY names what it builds …_ccnew and what it replaces …_ccold (PostgreSQL,
// REINDEX, "Rebuilding Indexes Concurrently").
constexpr std::string_view reindex_leftovers_sql =
    "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' "
    "AND (i.indrelid = to_regclass($1) OR i.indrelid = (SELECT x.indrelid FROM pg_index x "
    "WHERE x.indexrelid = to_regclass($1)))";
constexpr std::string_view detached_sql =
    "SELECT NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = to_regclass($1) "
    "AND h.inhrelid = to_regclass($2))";
constexpr std::string_view detach_pending_sql =
    "SELECT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = to_regclass($1) "
    "AND h.inhrelid = to_regclass($2) AND h.inhdetachpending)";
constexpr std::string_view has_label_sql =
    "SELECT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = to_regtype($1) AND e.enumlabel = $2)";
constexpr std::string_view validated_sql =
    "SELECT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = to_regclass($1) "
    "AND c.conname = $2 AND c.convalidated)";

}  // namespace

bool AloneProbe::yes(std::string_view sql, const std::string& a, const std::string& b) {
    return session_.query(sql, a, b)[0].boolean(0);
}

bool AloneProbe::builds_index() const noexcept {
    return statement_.kind == AloneKind::create_index ||
           statement_.kind == AloneKind::reindex_index ||
           statement_.kind == AloneKind::reindex_table || statement_.kind == AloneKind::drop_index;
}

std::string AloneProbe::before() {
    if (statement_.kind == AloneKind::reindex_index) {
        return std::string(session_.query(index_oid_sql, statement_.relation)[0].text(0));
    }
    if (statement_.kind == AloneKind::reindex_table) {
        return std::string(session_.query(table_index_oids_sql, statement_.relation)[0].text(0));
    }
    return {};
}

bool AloneProbe::happened(const std::string& before) {
    switch (statement_.kind) {
        case AloneKind::create_index:
            return yes(index_valid_sql, statement_.relation, statement_.name);
        case AloneKind::drop_index:
            return yes(index_gone_sql, statement_.relation, "");
        case AloneKind::reindex_index: {
            const pg::Result now = session_.query(index_oid_sql, statement_.relation);
            return !now[0].text(0).empty() && now[0].text(0) != before;
        }
        case AloneKind::reindex_table:
            return !yes(any_kept_sql, statement_.relation, before);
        case AloneKind::detach_partition:
            return yes(detached_sql, statement_.relation, statement_.partition);
        case AloneKind::add_enum_value:
            return yes(has_label_sql, statement_.relation, statement_.name);
        case AloneKind::validate_constraint:
            return yes(validated_sql, statement_.relation, statement_.name);
        case AloneKind::vacuum:
        case AloneKind::analyze:
            return false;  // once more does no harm
    }
    return false;
}

void AloneProbe::drop_index(
    std::string_view name, const std::function<void(const std::string&)>& say
) {
    if (say) {
        say(fmt::format("  {} is invalid, left by an attempt that failed: dropping it", name));
    }
    // regclass::text quotes what needs it, and names the schema where the search_path doesn't.
    session_.run(fmt::format("DROP INDEX CONCURRENTLY IF EXISTS {}", name));
}

void AloneProbe::clear_leftovers(const std::function<void(const std::string&)>& say) {
    pg::Result found;
    if (statement_.kind == AloneKind::create_index) {
        found = session_.query(invalid_index_sql, statement_.relation, statement_.name);
    } else if (statement_.kind == AloneKind::reindex_index || statement_.kind == AloneKind::reindex_table) {
        found = session_.query(reindex_leftovers_sql, statement_.relation);
    }
    for (const pg::Row row : found) {
        drop_index(row.text(0), say);
    }
}

std::string AloneProbe::sql_now(const std::string& own) {
    if (statement_.kind == AloneKind::detach_partition &&
        yes(detach_pending_sql, statement_.relation, statement_.partition)) {
        return fmt::format(
            "ALTER TABLE {} DETACH PARTITION {} FINALIZE", statement_.relation, statement_.partition
        );
    }
    return own;
}

}  // namespace tapline::revision
