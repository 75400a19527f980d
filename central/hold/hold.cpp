#include "central/hold/hold.hpp"

#include <algorithm>
#include <map>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/hold/buffer.hpp"
#include "common/error.hpp"

namespace tapline::hold {

namespace {

constexpr std::string_view find_sql =
    "SELECT h.hold_id, h.reason, h.opened_by, "
    "to_char(h.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
    "to_char(h.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
    "coalesce(ceil(extract(epoch FROM h.ends_at - clock_timestamp()))::bigint, 0), "
    "h.drained_at IS NOT NULL, h.frozen_role, "
    "h.ends_at IS NOT NULL AND h.ends_at <= clock_timestamp() "
    "FROM tapline.hold h WHERE h.closed_at IS NULL FOR UPDATE";
constexpr std::string_view insert_sql =
    "INSERT INTO tapline.hold (reason, opened_by, opened_at, ends_at, spread_s, frozen_role, "
    "frozen_before) SELECT $1, $2, clock_timestamp(), clock_timestamp() + make_interval(secs => "
    "$3::double precision), $4::integer, nullif($5, ''), (SELECT split_part(s.setting, '=', 2) "
    "FROM pg_db_role_setting d JOIN pg_roles r ON r.oid = d.setrole AND r.rolname = $5 "
    "JOIN pg_database b ON b.oid = d.setdatabase AND b.datname = current_database(), "
    "unnest(d.setconfig) AS s(setting) WHERE s.setting LIKE 'default_transaction_read_only=%')";
constexpr std::string_view drained_sql =
    "UPDATE tapline.hold SET drained_at = clock_timestamp() WHERE closed_at IS NULL";
constexpr std::string_view close_sql =
    "UPDATE tapline.hold SET closed_at = least(clock_timestamp(), ends_at), closed_by = $2 "
    "WHERE hold_id = $1";
constexpr std::string_view frozen_sql =
    "SELECT h.hold_id, h.frozen_role, h.frozen_before FROM tapline.hold h "
    "WHERE h.frozen_role IS NOT NULL AND h.thawed_at IS NULL "
    "AND (h.closed_at IS NOT NULL OR h.ends_at <= clock_timestamp()) FOR UPDATE";
constexpr std::string_view thawed_sql =
    "UPDATE tapline.hold SET thawed_at = clock_timestamp() WHERE hold_id = $1";
// -> may be frozen, sessions here. A role that central serves with is our own, too.
constexpr std::string_view role_sql =
    "SELECT NOT r.rolsuper AND r.rolname <> session_user AND r.rolname <> current_user "
    "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.usename = r.rolname "
    "AND a.application_name LIKE 'tapline%'), "
    "(SELECT count(*) FROM pg_stat_activity a WHERE a.usename = r.rolname "
    "AND a.datname = current_database()) FROM pg_roles r WHERE r.rolname = $1";
constexpr std::string_view end_sessions_sql =
    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.usename = $1 "
    "AND a.datname = current_database() AND a.pid <> pg_backend_pid()";
// The exclusive side of what every settling transaction shares; session-wide, so that it outlives
// the transaction that asks.
constexpr std::string_view take_lock_sql = "SELECT pg_try_advisory_lock(8386107590299353089)";
constexpr std::string_view drop_lock_sql = "SELECT pg_advisory_unlock(8386107590299353089)";
// The busiest hour among the last pours of each journal, by the index that leads to them. A hello
// without free_bytes leaves 0.
constexpr std::string_view keepers_sql = R"sql(
SELECT j.controller, j.journal_id, coalesce(j.depth, 0), nullif(j.free_bytes, 0),
    coalesce(floor(extract(epoch FROM clock_timestamp() - j.reported_at)), 2147483647)::bigint,
    coalesce(j.reported_at > (SELECT max(h.opened_at) FROM tapline.hold h WHERE h.closed_at IS NULL),
             false),
    coalesce((SELECT max(b.pours) FROM (
        SELECT count(*) AS pours FROM (
            SELECT coalesce(r.corrected_at, r.recorded_at) AS at FROM tapline.receipt r
            WHERE r.journal_id = j.journal_id ORDER BY r.epoch DESC, r.seq DESC LIMIT 500) l
        WHERE l.at IS NOT NULL GROUP BY date_trunc('hour', l.at)) b), 0)
FROM tapline.journal j JOIN tapline.controller c ON c.name = j.controller
WHERE c.status NOT IN ('retired', 'revoked')
AND (j.retired_at IS NULL OR j.reported_at > j.retired_at)
ORDER BY j.controller, j.journal_id
)sql";

std::string quoted(pg::Session& session, const std::string& name) {
    return std::string(session.query("SELECT quote_ident($1)", name)[0].text(0));
}

std::string quoted_database(pg::Session& session) {
    return std::string(session.run("SELECT quote_ident(current_database())")[0].text(0));
}

std::string freeze_statement(
    pg::Session& session, const std::string& role, const std::optional<std::string>& value
) {
    const std::string who = quoted(session, role);
    const std::string where = quoted_database(session);
    if (!value) {
        return fmt::format(
            "ALTER ROLE {} IN DATABASE {} RESET default_transaction_read_only", who, where
        );
    }
    return fmt::format(
        "ALTER ROLE {} IN DATABASE {} SET default_transaction_read_only = {}",
        who,
        where,
        *value == "on" ? "on" : "off"
    );
}

Hold read(const pg::Row& row) {
    Hold hold;
    hold.id = row.integer(0);
    hold.reason = row.text(1);
    hold.opened_by = row.text(2);
    hold.opened_at = row.text(3);
    hold.ends_at = row.text(4);
    hold.left_seconds = row.integer(5);
    hold.drained = row.boolean(6);
    hold.frozen_role = row.text(7);
    return hold;
}

/// Gives back what holds that are over have frozen: these roles.
std::vector<std::string> thaw(pg::Session& session) {
    std::vector<std::string> roles;
    for (const pg::Row row : session.run(frozen_sql)) {
        const std::int64_t id = row.integer(0);
        const std::string role(row.text(1));
        // A role that is gone has nothing to give back.
        if (!session.query(role_sql, role).empty()) {
            session.run(freeze_statement(session, role, row.optional_text(2)));
            roles.push_back(role);
        }
        session.query(thawed_sql, id);
    }
    return roles;
}

struct Tidied {
    std::optional<Hold> open;
    std::optional<Hold> ended;        ///< its time was over
    std::vector<std::string> thawed;  ///< roles
};

/// Closes a hold whose time is over. In the caller's transaction.
Tidied tidy(pg::Session& session) {
    Tidied tidied;
    const pg::Result rows = session.run(find_sql);
    if (!rows.empty()) {
        if (rows[0].boolean(8)) {
            session.query(close_sql, rows[0].integer(0), "its time was over");
            tidied.ended = read(rows[0]);
        } else {
            tidied.open = read(rows[0]);
        }
    }
    tidied.thawed = thaw(session);
    return tidied;
}

Error no_hold(const Tidied& tidied) {
    return {
        ErrorKind::refused,
        "no_hold",
        tidied.ended
            ? fmt::format("no hold is open: its time was over at {}", tidied.ended->ends_at)
            : "no hold is open",
        tidied.thawed.empty()
            ? "nothing to do"
            : fmt::format("what it had frozen is given back: {}", fmt::join(tidied.thawed, ", "))};
}

/// Nothing settles any more. What began before the hold was committed is waited for.
bool drain(pg::Session& session) {
    const auto end = std::chrono::steady_clock::now() + drain_limit;
    while (!session.run(take_lock_sql)[0].boolean(0)) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    session.run(drained_sql);
    session.run(drop_lock_sql);
    return true;
}

std::vector<Keeper> read_keepers(pg::Session& session) {
    std::vector<Keeper> keepers;
    for (const pg::Row row : session.run(keepers_sql)) {
        Keeper one;
        one.controller = row.text(0);
        one.journal = row.text(1);
        one.depth = row.integer(2);
        if (const auto free_bytes = row.optional_integer(3)) {
            one.buffer_seconds = buffer_seconds(*free_bytes, row.integer(6));
        }
        one.seen_seconds = row.integer(4);
        one.told = row.boolean(5);
        keepers.push_back(std::move(one));
    }
    return keepers;
}

/// Each controller once, with the least of its journals.
std::string names_of(const std::vector<Keeper>& full) {
    std::map<std::string, std::int64_t> least;
    for (const Keeper& one : full) {
        const std::int64_t seconds = one.buffer_seconds.value_or(0);
        const auto [place, fresh] = least.emplace(one.controller, seconds);
        place->second = std::min(place->second, seconds);
    }
    std::string names;
    for (const auto& [controller, seconds] : least) {
        names += fmt::format("{}{} ({} min)", names.empty() ? "" : ", ", controller, seconds / 60);
    }
    return names;
}

}  // namespace

NoSpace::NoSpace(std::vector<Keeper> full)
    : Error(
          ErrorKind::refused,
          "no_space",
          fmt::format(
              "these would have no room for pours before the hold ends: {}", names_of(full)
          ),
          "hold for a shorter time, give them room, or take the risk with --despite-space"
      ),
      full_(std::move(full)) {}

Freeze plan_freeze(pg::Session& session, const std::string& role) {
    const pg::Result rows = session.query(role_sql, role);
    if (rows.empty() || !rows[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "role_not_frozen",
            rows.empty()
                ? fmt::format("there is no role {}", role)
                : fmt::format(
                      "{} is a superuser or a role of ours: freezing it would lock ourselves out",
                      role
                  ),
            "name the role that the other writers log in with"
        );
    }
    Freeze freeze;
    freeze.sessions = rows[0].integer(1);
    freeze.statements = {
        freeze_statement(session, role, "on"),
        fmt::format("end {} sessions of {} in this database", freeze.sessions, role)};
    return freeze;
}

std::vector<Keeper> short_of_space(pg::Session& session, std::chrono::seconds length) {
    std::vector<Keeper> full = read_keepers(session);
    std::erase_if(full, [&](const Keeper& one) {
        return one.is_away() || !one.buffer_seconds || *one.buffer_seconds >= length.count();
    });
    return full;
}

Hold open(pg::Session& session, const OpenOptions& options) {
    if (!options.freeze_role.empty()) {
        [[maybe_unused]] const Freeze possible = plan_freeze(session, options.freeze_role);
    }
    if (!options.despite_space) {
        if (auto full = short_of_space(session, options.length); !full.empty()) {
            throw NoSpace(std::move(full));
        }
    }
    {
        // Two that open at once see each other; settling only reads.
        pg::Transaction transaction(session, "LOCK TABLE tapline.hold IN SHARE ROW EXCLUSIVE MODE");
        if (const auto there = tidy(session).open) {
            throw Error(
                ErrorKind::refused,
                "hold_open",
                fmt::format(
                    "there is a hold already, by {} since {}: {}",
                    there->opened_by,
                    there->opened_at,
                    there->reason
                ),
                "`tapline-central hold close` ends it"
            );
        }
        session.query(
            insert_sql,
            options.reason,
            options.who,
            std::int64_t{options.length.count()},
            std::int64_t{options.spread.count()},
            options.freeze_role
        );
        if (!options.freeze_role.empty()) {
            session.run(freeze_statement(session, options.freeze_role, "on"));
        }
        transaction.commit();
    }
    if (!options.freeze_role.empty()) {
        session.query(end_sessions_sql, options.freeze_role);
    }
    const bool drained = drain(session);
    const std::optional<Hold> made = current(session);
    if (!drained || !made) {
        throw Error(
            ErrorKind::refused,
            "not_drained",
            fmt::format("settling didn't come to an end within {} s", drain_limit.count()),
            "the hold stands and nothing new is taken; `tapline-central hold status` tells when it "
            "is drained, `hold close` ends it"
        );
    }
    return *made;
}

std::optional<Hold> current(pg::Session& session) {
    pg::Transaction transaction(session);
    std::optional<Hold> open = tidy(session).open;
    transaction.commit();
    if (open && !open->drained && session.run(take_lock_sql)[0].boolean(0)) {
        session.run(drained_sql);
        session.run(drop_lock_sql);
        open->drained = true;
    }
    return open;
}

std::vector<Keeper> keepers(pg::Session& session) {
    return read_keepers(session);
}

Hold close(pg::Session& session, const std::string& who) {
    pg::Transaction transaction(session);
    const Tidied tidied = tidy(session);
    if (!tidied.open) {
        transaction.commit();  // with what tidy has given back
        throw no_hold(tidied);
    }
    session.query(close_sql, tidied.open->id, who);
    std::ignore = thaw(session);
    transaction.commit();
    return *tidied.open;
}

}  // namespace tapline::hold
