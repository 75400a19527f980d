#include "central/catalog/read.hpp"

#include <future>
#include <vector>

#include <fmt/format.h>

#include "central/catalog/queries.hpp"
#include "central/catalog/reader.hpp"
#include "common/error.hpp"

namespace tapline::catalog {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds lock_limit{2'000};
constexpr milliseconds statement_limit{120'000};
constexpr int tries = 3;

// Printing goes by the newest committed catalog and not by our snapshot: an object that goes away
// meanwhile makes a pg_get_… function fail like this.
constexpr std::string_view internal_error = "XX000";

// What would print the same schema differently from session to session; compilation of statements
// costs more than it brings here.
constexpr std::string_view begin_sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr std::string_view settings_sql =
    "SET LOCAL search_path = ''; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL "
    "extra_float_digits = 1; "
    "SET LOCAL quote_all_identifiers = off; SET LOCAL lc_monetary = 'C'; SET LOCAL jit = off; "
    "SET LOCAL row_security = on";
constexpr std::string_view export_sql = "SELECT pg_export_snapshot()";
constexpr std::string_view database_owner_sql =
    "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()";

// Not to_regclass: that fails for a role without USAGE on the schema.
constexpr std::string_view may_read_granted_sql = R"sql(
SELECT count(*) = 2 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'tapline' AND c.relname IN ('granted_role', 'maintainer')
AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
)sql";
constexpr std::string_view granted_sql =
    "SELECT role FROM tapline.granted_role UNION SELECT role FROM tapline.maintainer "
    "WHERE removed_at IS NULL";

pg::Result ask(pg::Session& session, std::string_view sql) {
    std::string whole(common_tables_sql);
    whole += sql;
    return session.run(whole);
}

/// Of one lineage: the wanted role when it owns anything, else the one that owns most, else the
/// database's owner.
std::string owner_among(
    const pg::Result& rows, bool ours, const std::string& wanted, const std::string& database_owner
) {
    std::string most;
    for (const pg::Row row : rows) {
        if (row.boolean(0) != ours) {
            continue;
        }
        if (row.text(1) == wanted) {
            return wanted;
        }
        if (most.empty()) {
            most = row.text(1);
        }
    }
    return most.empty() || wanted == database_owner ? database_owner : most;
}

Owners read_owners(pg::Session& session, const std::optional<Owners>& wanted) {
    const pg::Result database = session.run(database_owner_sql);
    const std::string database_owner(database[0].text(0));
    const pg::Result rows = ask(session, owners_sql);
    return {
        owner_among(rows, false, wanted ? wanted->app : "", database_owner),
        owner_among(rows, true, wanted ? wanted->tapline : "", database_owner)};
}

GrantedRoles read_granted(pg::Session& session) {
    GrantedRoles roles;
    if (session.run(may_read_granted_sql)[0].boolean(0)) {
        const pg::Result rows = session.run(granted_sql);
        for (const pg::Row row : rows) {
            roles.emplace(row.text(0));
        }
    }
    return roles;
}

/// snapshot: of another session; empty takes a fresh one. It has to come before all else.
void prepare(pg::Session& session, const std::string& snapshot) {
    session.run(begin_sql);
    if (!snapshot.empty()) {
        session.run(fmt::format("SET TRANSACTION SNAPSHOT '{}'", snapshot));
    }
    session.run(settings_sql);
    session.set_local_timeouts(lock_limit, statement_limit);
}

using Results = std::vector<pg::Result>;

Results ask_all(pg::Session& session, std::span<const std::string_view> queries) {
    Results results;
    for (const std::string_view sql : queries) {
        results.push_back(ask(session, sql));
    }
    return results;
}

/// What the second connection reads; nullopt when it can't be had.
std::optional<Results> read_beside(const pg::ConnectOptions& connect, const std::string& snapshot) {
    std::optional<pg::Session> session;
    try {
        session.emplace(connect);
    } catch (const Error&) {
        return std::nullopt;  // too many connections; the first one will do
    }
    const pg::Transaction transaction(*session);
    prepare(*session, snapshot);
    return ask_all(*session, printed_queries());
}

Catalog read_once(
    pg::Session& session, const std::optional<Owners>& wanted, const pg::ConnectOptions* second
) {
    pg::Transaction transaction(session);
    prepare(session, {});
    std::future<std::optional<Results>> beside;
    if (second != nullptr) {
        const std::string snapshot(session.run(export_sql)[0].text(0));
        beside = std::async(std::launch::async, [second, snapshot] {
            return read_beside(*second, snapshot);
        });
    }
    Catalog catalog;
    catalog.server_major = session.server_version() / 10'000;
    catalog.owners = read_owners(session, wanted);
    Reader reader(catalog, read_granted(session));
    reader.learn_relations(ask(session, relations_sql));
    for (const auto queries :
         {relation_queries(),
          table_part_queries(),
          type_queries(),
          routine_queries(),
          other_queries()}) {
        for (const std::string_view sql : queries) {
            reader.add(ask(session, sql));
        }
    }
    std::optional<Results> printed;
    if (beside.valid()) {
        printed = beside.get();
    }
    if (!printed) {
        printed = ask_all(session, printed_queries());
    }
    for (const pg::Result& rows : *printed) {
        reader.add(rows);
    }
    transaction.commit();
    return catalog;
}

Catalog read_patiently(
    pg::Session& session, const std::optional<Owners>& wanted, const pg::ConnectOptions* second
) {
    const int major = session.server_version() / 10'000;
    if (major < oldest_major) {
        throw Error(
            ErrorKind::refused,
            "server_too_old",
            fmt::format("the server is PostgreSQL {}; schemas are compared from 15 on", major),
            "upgrade the server"
        );
    }
    for (int attempt = 1;; ++attempt) {
        try {
            return read_once(session, wanted, second);
        } catch (const Error& error) {
            if (error.sqlstate() != internal_error || attempt == tries) {
                throw;
            }
        }
    }
}

}  // namespace

Catalog read_catalog(
    const pg::ConnectOptions& connect, const std::optional<Owners>& same_owners_as
) {
    pg::Session session(connect);
    return read_patiently(session, same_owners_as, &connect);
}

Catalog read_catalog(pg::Session& session, const std::optional<Owners>& same_owners_as) {
    return read_patiently(session, same_owners_as, nullptr);
}

}  // namespace tapline::catalog
