#include "central/catalog/scratch.hpp"

#include <fmt/format.h>

#include "central/pg/url.hpp"
#include "common/error.hpp"

namespace tapline::catalog {

namespace {

constexpr std::string_view no_privilege = "42501";

// The name is made by the server: letters and digits only. The second column is the clause that
// gives the new database what decides on sorting and letters in this one; a locale of ICU's is left
// to the server's default.
constexpr std::string_view plan_sql = R"sql(
SELECT 'tapline_scratch_' || extract(epoch FROM now())::bigint || '_'
        || substr(replace(gen_random_uuid()::text, '-', ''), 1, 12),
    format('ENCODING %L', pg_encoding_to_char(encoding)) || CASE WHEN datlocprovider = 'c'
        THEN format(' LC_COLLATE %L LC_CTYPE %L', datcollate, datctype) ELSE '' END
FROM pg_database WHERE datname = current_database()
)sql";
constexpr std::string_view leftovers_sql = R"sql(
SELECT datname FROM pg_database
WHERE datname ~ '^tapline_scratch_[0-9]{9,11}_[0-9a-f]{12}$'
    AND split_part(datname, '_', 3)::bigint + $1 < extract(epoch FROM now())
    AND pg_has_role(datdba, 'USAGE')
)sql";

void drop(pg::Session& session, const std::string& name) {
    session.run(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name));
}

void sweep(pg::Session& session) {
    const pg::Result old =
        session.query(leftovers_sql, static_cast<std::int64_t>(scratch_lifetime.count()));
    for (const pg::Row row : old) {
        drop(session, std::string(row.text(0)));
    }
}

}  // namespace

ScratchDatabase::ScratchDatabase(const pg::ConnectOptions& server) : server_(server) {
    pg::Session session(server_);
    sweep(session);
    const pg::Result plan = session.run(plan_sql);
    const std::string name(plan[0].text(0));
    try {
        session.run(fmt::format("CREATE DATABASE {} TEMPLATE template0 {}", name, plan[0].text(1)));
    } catch (const Error& error) {
        if (error.sqlstate() != no_privilege) {
            throw;
        }
        throw Error(
            ErrorKind::refused,
            "scratch_database",
            "this role may not create the scratch database in which revisions are tried",
            "connect as a role that may (ALTER ROLE … CREATEDB)",
            error.sqlstate()
        );
    }
    name_ = name;
}

ScratchDatabase::~ScratchDatabase() {
    try {
        pg::Session session(server_);
        drop(session, name_);
    } catch (const Error& error) {
        fmt::print(
            stderr,
            "database {} stays behind ({}); the next run drops it after an hour\n",
            name_,
            error.what()
        );
    }
}

pg::ConnectOptions ScratchDatabase::connect() const {
    pg::ConnectOptions options = server_;
    options.url = pg::with_database(server_.url, name_);
    return options;
}

}  // namespace tapline::catalog
