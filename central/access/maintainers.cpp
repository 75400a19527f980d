#include "central/access/maintainers.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace tapline::access {

namespace {

// Not to_regclass: that fails for a role without USAGE on the schema.
constexpr std::string_view situation_sql = R"sql(
SELECT session_user,
    pg_get_userbyid(d.datdba),
    pg_has_role(session_user, d.datdba, 'MEMBER') OR coalesce(
        (SELECT pg_has_role(session_user, n.nspowner, 'MEMBER') FROM pg_namespace n
         WHERE n.nspname = 'tapline'), false),
    EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'tapline' AND c.relname = 'maintainer'),
    coalesce((SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'tapline' AND c.relname = 'maintainer'), false)
FROM pg_database d WHERE d.datname = current_database()
)sql";
constexpr std::string_view list_sql =
    "SELECT m.role, m.added_by, m.added_person, "
    "to_char(m.added_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
    "coalesce(r.rolcanlogin, false) FROM tapline.maintainer m LEFT JOIN pg_roles r "
    "ON r.rolname = m.role WHERE m.removed_at IS NULL ORDER BY m.maintainer_id";
constexpr std::string_view may_sql = "SELECT tapline.may_maintain()";
constexpr std::string_view add_sql = "SELECT tapline.add_maintainer($1, $2)";
constexpr std::string_view remove_sql = "SELECT tapline.remove_maintainer($1, $2, $3)";
constexpr std::string_view can_log_in_sql =
    "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin)";
// What t0002's function may not have been able to give.
constexpr std::string_view left_to_do_sql =
    "SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO %I', "
    "$1::text) WHERE to_regclass('public.alembic_version') IS NOT NULL "
    "AND NOT (has_table_privilege($1, 'public.alembic_version', 'SELECT') "
    "AND has_table_privilege($1, 'public.alembic_version', 'INSERT') "
    "AND has_table_privilege($1, 'public.alembic_version', 'UPDATE') "
    "AND has_table_privilege($1, 'public.alembic_version', 'DELETE'))";

bool has_living(const MaintainerList& list) {
    return std::any_of(list.listed.begin(), list.listed.end(), [](const Maintainer& one) {
        return one.can_log_in;
    });
}

void require_list(const MaintainerList& list) {
    if (!list.kept) {
        throw Error(
            ErrorKind::refused,
            "no_list",
            "this database keeps no list of maintainers yet",
            fmt::format(
                "`tapline-central upgrade --lineage tapline` makes it; until then {} may stamp, "
                "the owner of the database, and superusers",
                list.owner
            )
        );
    }
}

}  // namespace

MaintainerList read_maintainers(pg::Session& session) {
    MaintainerList list;
    const pg::Result situation = session.run(situation_sql);
    list.person = situation[0].text(0);
    list.owner = situation[0].text(1);
    list.may_maintain = situation[0].boolean(2);
    list.kept = situation[0].boolean(3);
    if (!situation[0].boolean(4)) {
        // Kept and not readable: the reader was never listed, and owns nothing here.
        list.may_maintain = list.may_maintain && !list.kept;
        return list;
    }
    list.readable = true;
    const pg::Result rows = session.run(list_sql);
    for (const pg::Row row : rows) {
        list.listed.push_back(
            {std::string(row.text(0)),
             std::string(row.text(1)),
             std::string(row.text(2)),
             std::string(row.text(3)),
             row.boolean(4)}
        );
    }
    list.may_maintain = session.run(may_sql)[0].boolean(0);
    return list;
}

void require_maintainer(pg::Session& session, std::string_view doing) {
    const MaintainerList list = read_maintainers(session);
    if (list.may_maintain) {
        return;
    }
    std::string who = fmt::format("the owner of this database ({}) and superusers", list.owner);
    if (list.kept && has_living(list)) {
        std::vector<std::string> roles;
        for (const Maintainer& one : list.listed) {
            roles.push_back(one.role);
        }
        who = fmt::format("those listed ({})", fmt::join(roles, ", "));
    } else if (list.kept && list.listed.empty()) {
        who = "its maintainers";
    }
    throw Error(
        ErrorKind::refused,
        "not_a_maintainer",
        fmt::format("the role {} may not {} this database", list.person, doing),
        fmt::format(
            "{} may; one of them lists it with `tapline-central maintainers add {}`",
            who,
            list.person
        )
    );
}

bool list_first_maintainer(pg::Session& session, const std::string& who) {
    const MaintainerList list = read_maintainers(session);
    if (!list.kept || has_living(list) || !list.may_maintain) {
        return false;
    }
    session.query(add_sql, list.person, who);
    return true;
}

Added add_maintainer(pg::Session& session, const std::string& role, const std::string& who) {
    const MaintainerList list = read_maintainers(session);
    require_list(list);
    require_maintainer(session, "choose the maintainers of");
    if (!session.query(can_log_in_sql, role)[0].boolean(0)) {
        throw Error(
            ErrorKind::usage,
            "no_role",
            fmt::format("there is no role {} that can log in", role),
            "list the role with which a person logs in; membership in a listed role doesn't count"
        );
    }
    pg::Transaction transaction(session);
    Added added;
    added.caller_too = list_first_maintainer(session, who) && role != list.person;
    session.query(add_sql, role, who);
    const pg::Result rows = session.query(left_to_do_sql, role);
    for (const pg::Row row : rows) {
        added.left_to_do.emplace_back(row.text(0));
    }
    transaction.commit();
    return added;
}

void remove_maintainer(
    pg::Session& session, const std::string& role, const std::string& who, const std::string& reason
) {
    const MaintainerList list = read_maintainers(session);
    require_list(list);
    require_maintainer(session, "choose the maintainers of");
    const bool is_listed =
        std::any_of(list.listed.begin(), list.listed.end(), [&](const Maintainer& one) {
            return one.role == role;
        });
    if (!is_listed) {
        throw Error(
            ErrorKind::usage,
            "not_listed",
            fmt::format("{} is no maintainer", role),
            "`tapline-central maintainers` lists them"
        );
    }
    if (list.listed.size() == 1) {
        throw Error(
            ErrorKind::refused,
            "last_maintainer",
            fmt::format("{} is the only maintainer, and the last one stays", role),
            "add another one first: `tapline-central maintainers add ROLE`"
        );
    }
    // Of two at once the table's own trigger lets one through.
    session.query(remove_sql, role, who, reason);
}

}  // namespace tapline::access
