#include "central/access/grants.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/access/maintainers.hpp"
#include "central/access/role.hpp"
#include "common/error.hpp"

namespace tapline::access {

namespace {

constexpr std::string_view role_sql =
    "SELECT r.rolsuper, r.rolcreaterole, r.oid = 10, quote_ident(r.rolname), "
    "quote_ident(current_database()) FROM pg_roles r WHERE r.rolname = $1";
// The bar's relations: neither PostgreSQL's, nor ours, nor an extension's.
constexpr std::string_view bar_relations = R"sql(
WITH relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relowner, n.nspname, n.oid AS schema
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND n.nspname <> 'information_schema' AND n.nspname <> 'tapline' AND n.nspname NOT LIKE 'pg\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e'))
)sql";
constexpr std::string_view owned_sql = R"sql(
SELECT what FROM (
    SELECT 1 AS place, format('database %I', d.datname) AS what FROM pg_database d
    WHERE d.datname = current_database() AND pg_has_role($1, d.datdba, 'MEMBER')
    UNION ALL
    SELECT 2, format('schema %I', n.nspname) FROM pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    AND n.nspowner <> 'pg_database_owner'::regrole AND pg_has_role($1, n.nspowner, 'MEMBER')
    UNION ALL
    SELECT 3, format('%I.%I', nspname, relname) FROM relation
    WHERE relkind <> 'S' AND pg_has_role($1, relowner, 'MEMBER')
) AS owned ORDER BY place, what
)sql";
constexpr std::string_view listed_sql =
    "SELECT EXISTS (SELECT FROM tapline.maintainer WHERE role = $1 AND removed_at IS NULL)";
constexpr std::string_view schemas_sql =
    "SELECT nspname, quote_ident(nspname) FROM relation "
    "UNION SELECT 'public', 'public' WHERE to_regnamespace('public') IS NOT NULL ORDER BY 1";
// Who makes tables, as far as that can be known: who did, and who sets this up.
constexpr std::string_view owners_sql =
    "SELECT DISTINCT quote_ident(nspname), quote_ident(pg_get_userbyid(relowner)) FROM relation "
    "WHERE relkind IN ('r', 'p') UNION SELECT quote_ident(nspname), quote_ident(session_user) "
    "FROM relation UNION SELECT 'public', quote_ident(session_user) "
    "WHERE to_regnamespace('public') IS NOT NULL ORDER BY 1, 2";
constexpr std::string_view has_alembic_sql =
    "SELECT to_regclass('public.alembic_version') IS NOT NULL";
constexpr std::string_view still_creates_sql = R"sql(
SELECT what FROM (
    SELECT format('database %I', current_database()) AS what
    WHERE has_database_privilege($1, current_database(), 'CREATE')
    UNION ALL
    SELECT format('schema %I', n.nspname) FROM pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\_%' AND has_schema_privilege($1, n.oid, 'CREATE')
) AS places
)sql";
constexpr std::string_view memberships_sql =
    "SELECT r.rolname FROM pg_roles r WHERE r.rolname <> $1 AND pg_has_role($1, r.oid, 'MEMBER') "
    "ORDER BY r.rolname";
constexpr std::string_view remember_sql =
    "INSERT INTO tapline.granted_role (role, kind) VALUES ($1, $2) ON CONFLICT (role) DO UPDATE "
    "SET kind = excluded.kind, granted_by = excluded.granted_by, granted_at = excluded.granted_at";
constexpr std::string_view may_change_sql =
    "SELECT r.rolsuper OR pg_has_role(r.oid, n.nspowner, 'MEMBER') FROM pg_roles r, pg_namespace n "
    "WHERE r.rolname = current_user AND n.nspname = 'tapline'";
constexpr std::string_view forget_sql = "DELETE FROM tapline.granted_role WHERE role = $1";

std::string with_relations(std::string_view sql) {
    // owned_sql and the others go on from the WITH.
    return fmt::format("{}{}", bar_relations, sql);
}

std::vector<std::string> texts(const pg::Result& rows) {
    std::vector<std::string> found;
    for (const pg::Row row : rows) {
        found.emplace_back(row.text(0));
    }
    return found;
}

std::string some(const std::vector<std::string>& names) {
    constexpr std::size_t shown = 4;
    if (names.size() <= shown) {
        return fmt::format("{}", fmt::join(names, ", "));
    }
    return fmt::format(
        "{} and {} more",
        fmt::join(names.begin(), names.begin() + shown, ", "),
        names.size() - shown
    );
}

[[noreturn]] void refuse_superuser(const std::string& role, bool bootstrap) {
    const std::string advice =
        bootstrap ? fmt::format("{} made this cluster and stays a superuser for ever", role)
                  : fmt::format("or ALTER ROLE {} NOSUPERUSER", role);
    throw Error(
        ErrorKind::refused,
        "superuser",
        fmt::format("{} is a superuser: nothing can be taken from it", role),
        fmt::format(
            "give the application a role of its own (CREATE ROLE bar_app LOGIN PASSWORD '…'), put "
            "that into its DATABASE_URL, then run this for bar_app; {}",
            advice
        )
    );
}

/// bar_owner, or with a number where there is such a role already: it may be anybody's.
std::string free_owner_name(pg::Session& session) {
    const std::string base = "bar_owner";
    for (int number = 1;; ++number) {
        const std::string name = number == 1 ? base : fmt::format("{}{}", base, number);
        if (session.query(role_sql, name).empty()) {
            return name;
        }
    }
}

[[noreturn]] void refuse_owner(
    const std::string& role,
    const std::string& database,
    const std::vector<std::string>& owned,
    const std::string& owner
) {
    throw Error(
        ErrorKind::refused,
        "owner",
        fmt::format("{} owns {}, and an owner's rights can't be taken", role, some(owned)),
        fmt::format(
            "as a superuser: CREATE ROLE {2} NOLOGIN; ALTER DATABASE {0} OWNER TO {2}; "
            "REASSIGN OWNED BY {1} TO {2}; REVOKE {2} FROM {1}; then run this again. "
            "Upgrades then run as a login that is a member of {2}",
            database,
            role,
            owner
        )
    );
}

}  // namespace

Names check_role(pg::Session& session, const std::string& role, std::string_view kind) {
    const std::string user = kind == gateway_kind ? "`serve`" : "the application";
    const pg::Result rows = session.query(role_sql, role);
    if (rows.empty()) {
        throw Error(
            ErrorKind::usage,
            "no_role",
            fmt::format("there is no role {}", role),
            fmt::format("name the role with which {} logs in", user)
        );
    }
    const Names names{
        std::string(rows[0].text(3)), std::string(rows[0].text(4)), rows[0].boolean(1)};
    if (rows[0].boolean(0)) {
        refuse_superuser(names.role, rows[0].boolean(2));
    }
    const auto owned = texts(session.query(with_relations(owned_sql), role));
    if (!owned.empty()) {
        refuse_owner(names.role, names.database, owned, free_owner_name(session));
    }
    if (!read_maintainers(session).kept) {
        throw Error(
            ErrorKind::refused,
            "no_list",
            "this database keeps no record of what roles were given yet",
            "run `tapline-central upgrade --lineage tapline` first"
        );
    }
    if (session.query(listed_sql, role)[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "is_maintainer",
            fmt::format("{} is a maintainer: it may stamp, which {} mustn't", role, user),
            fmt::format(
                "`tapline-central maintainers remove {} --reason '{} uses it'`",
                role,
                kind == gateway_kind ? "serve" : "the application"
            )
        );
    }
    return names;
}

namespace {

/// {role}, {schema}, {database}: quoted. In order.
constexpr const char* give_in_schema[] = {
    "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
    "REVOKE CREATE ON SCHEMA {schema} FROM {role}",
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "REVOKE TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA {schema} FROM {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
};
constexpr const char* take_in_schema[] = {
    "REVOKE SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} FROM {role}",
    "REVOKE USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}",
    "REVOKE USAGE ON SCHEMA {schema} FROM {role}",
};
// What revisions make later. {owner}: who makes it.
constexpr const char* later = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} {what}";
constexpr const char* give_later[] = {
    "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {role}",
};
constexpr const char* take_later[] = {
    "REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM {role}",
    "REVOKE USAGE, SELECT, UPDATE ON SEQUENCES FROM {role}",
};

std::string fill(const char* text, const std::string& role, const std::string& schema) {
    return fmt::format(fmt::runtime(text), fmt::arg("role", role), fmt::arg("schema", schema));
}

}  // namespace

GrantPlan plan_app_grants(pg::Session& session, const std::string& role, bool revoke) {
    const Names names = check_role(session, role, app_kind);
    GrantPlan plan{role, app_kind, {}};
    std::vector<std::string>& out = plan.statements;
    if (!revoke) {
        out.push_back(fmt::format("REVOKE CREATE ON DATABASE {} FROM PUBLIC", names.database));
        out.push_back(
            fmt::format("REVOKE CREATE ON DATABASE {} FROM {}", names.database, names.role)
        );
        if (names.creates_roles) {
            out.push_back(fmt::format("ALTER ROLE {} NOCREATEROLE", names.role));
        }
    }
    const pg::Result schemas = session.run(with_relations(schemas_sql));
    for (const pg::Row row : schemas) {
        const std::string schema(row.text(1));
        if (revoke) {
            for (const char* text : take_in_schema) {
                out.push_back(fill(text, names.role, schema));
            }
        } else {
            for (const char* text : give_in_schema) {
                out.push_back(fill(text, names.role, schema));
            }
        }
    }
    const pg::Result owners = session.run(with_relations(owners_sql));
    for (const pg::Row row : owners) {
        for (const char* what : revoke ? take_later : give_later) {
            out.push_back(fmt::format(
                fmt::runtime(later),
                fmt::arg("owner", row.text(1)),
                fmt::arg("schema", row.text(0)),
                fmt::arg("what", fill(what, names.role, ""))
            ));
        }
    }
    if (!revoke && session.run(has_alembic_sql)[0].boolean(0)) {
        // It may read which revision it is at, and not say so.
        out.push_back(fmt::format(
            "REVOKE INSERT, UPDATE, DELETE ON public.alembic_version FROM {}", names.role
        ));
    }
    return plan;
}

void run_grants(pg::Session& session, const GrantPlan& plan, bool revoke) {
    pg::Transaction transaction(session);
    for (const std::string& statement : plan.statements) {
        session.run(statement);
    }
    if (revoke) {
        session.query(forget_sql, plan.role);
        transaction.commit();
        return;
    }
    const auto places = texts(session.query(still_creates_sql, plan.role));
    if (!places.empty()) {
        const auto groups = texts(session.query(memberships_sql, plan.role));
        throw Error(
            ErrorKind::refused,
            "still_creates",
            fmt::format(
                "{} could still create in {}; nothing was changed", plan.role, some(places)
            ),
            groups.empty()
                ? "run this as the owner of the database and its schemas: others' grants stay"
                : fmt::format(
                      "it gets that from a role that it is a member of ({}): REVOKE that "
                      "membership, then run this again",
                      some(groups)
                  )
        );
    }
    session.query(remember_sql, plan.role, plan.kind);
    transaction.commit();
}

bool may_change_schema(pg::Session& session) {
    return session.run(may_change_sql)[0].boolean(0);
}

}  // namespace tapline::access
