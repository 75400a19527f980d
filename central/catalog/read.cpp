#include "central/catalog/read.hpp"

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
constexpr std::string_view settings_sql =
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = ''; "
    "SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; "
    "SET LOCAL quote_all_identifiers = off; SET LOCAL lc_monetary = 'C'; SET LOCAL jit = off; "
    "SET LOCAL row_security = on";
constexpr std::string_view database_owner_sql =
    "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()";

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

Catalog read_once(pg::Session& session, const std::optional<Owners>& wanted) {
    pg::Transaction transaction(session);
    session.run(settings_sql);
    session.set_local_timeouts(lock_limit, statement_limit);
    Catalog catalog;
    catalog.server_major = session.server_version() / 10'000;
    catalog.owners = read_owners(session, wanted);
    Reader reader(catalog);
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
    transaction.commit();
    return catalog;
}

}  // namespace

Catalog read_catalog(pg::Session& session, const std::optional<Owners>& same_owners_as) {
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
            return read_once(session, same_owners_as);
        } catch (const Error& error) {
            if (error.sqlstate() != internal_error || attempt == tries) {
                throw;
            }
        }
    }
}

}  // namespace tapline::catalog
