#include "central/fleet/controllers.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/fleet/code.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/pki.hpp"

namespace tapline::fleet {

namespace {

constexpr std::size_t max_name_chars = 64;

constexpr std::string_view add_controller_sql =
    "INSERT INTO tapline.controller (name, status, status_reason, status_by, status_at) "
    "VALUES ($1, 'pending', 'invited', $2, now()) ON CONFLICT (name) DO NOTHING";
constexpr std::string_view find_status_sql =
    "SELECT status FROM tapline.controller WHERE name = $1 FOR UPDATE";
constexpr std::string_view cancel_codes_sql =
    "UPDATE tapline.enrollment SET cancelled_at = now() "
    "WHERE controller = $1 AND used_at IS NULL AND cancelled_at IS NULL";
constexpr std::string_view cancel_all_codes_sql =
    "UPDATE tapline.enrollment SET cancelled_at = now() "
    "WHERE controller = $1 AND cancelled_at IS NULL";
constexpr std::string_view add_code_sql =
    "INSERT INTO tapline.enrollment (code_id, code_hash, controller, created_by, expires_at, "
    "max_attempts) VALUES ($1, $2::bytea, $3, $4, now() + make_interval(secs => $5::bigint), $6) "
    "RETURNING to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
constexpr std::string_view clear_taps_sql =
    "DELETE FROM tapline.controller_tap WHERE controller = $1 AND NOT tap_id = ANY ($2::int[])";
constexpr std::string_view add_taps_sql =
    "INSERT INTO tapline.controller_tap (controller, tap_id) SELECT $1, unnest($2::int[]) "
    "ON CONFLICT DO NOTHING";
constexpr std::string_view revoke_certificates_sql =
    "UPDATE tapline.certificate SET state = 'revoked', revoked_at = now(), revoked_reason = $2 "
    "WHERE controller = $1 AND state <> 'revoked'";
constexpr std::string_view approve_certificates_sql =
    "UPDATE tapline.certificate SET state = 'valid' WHERE controller = $1 AND state = 'pending'";
constexpr std::string_view set_status_sql =
    "UPDATE tapline.controller SET status = $2, status_reason = $3, status_by = $4, "
    "status_at = now() WHERE name = $1";
constexpr std::string_view note_event_sql =
    "INSERT INTO tapline.controller_event (controller, action, who, detail) "
    "VALUES ($1, $2, $3, $4)";
constexpr std::string_view list_sql = R"sql(
SELECT c.name, c.status, coalesce(c.status_reason, ''), coalesce(c.status_by, ''),
    coalesce(c.agent_version, ''),
    CASE WHEN c.status <> 'pending' OR c.last_seen > c.first_seen
         THEN to_char(c.last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
    (SELECT to_char(max(k.not_after) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
     FROM tapline.certificate k WHERE k.controller = c.name AND k.state = 'valid'),
    (SELECT count(*) FROM tapline.certificate k
     WHERE k.controller = c.name AND k.state = 'pending'),
    (SELECT to_char(max(e.expires_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
     FROM tapline.enrollment e WHERE e.controller = c.name AND e.used_at IS NULL
     AND e.cancelled_at IS NULL AND e.expires_at > now() AND e.attempts < e.max_attempts)
FROM tapline.controller c ORDER BY c.name
)sql";
constexpr std::string_view list_taps_sql =
    "SELECT controller, tap_id FROM tapline.controller_tap ORDER BY controller, tap_id";

void check_name(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    if (name.empty() || name.size() > max_name_chars ||
        !std::all_of(name.begin(), name.end(), fits)) {
        throw Error(
            ErrorKind::usage,
            "bad_controller_name",
            fmt::format("'{}' can't be a controller's name", printable(name, 80)),
            "1 to 64 of A-Z a-z 0-9 . _ -"
        );
    }
}

std::string array_of(const std::vector<std::int64_t>& taps) {
    if (taps.size() > max_taps) {
        throw Error(
            ErrorKind::usage,
            "too_many_taps",
            fmt::format("{} taps for one controller", taps.size()),
            fmt::format("at most {}; without --tap it may report for every tap", max_taps)
        );
    }
    return fmt::format("{{{}}}", fmt::join(taps, ","));
}

std::string must_find(pg::Session& session, const std::string& name) {
    const auto found = session.query(find_status_sql, name);
    if (found.empty()) {
        throw Error(
            ErrorKind::usage,
            "unknown_controller",
            fmt::format("there is no controller {}", printable(name, 80)),
            "`tapline-central controllers list` names them"
        );
    }
    return std::string(found[0].text(0));
}

void note(
    pg::Session& session,
    const std::string& name,
    const char* action,
    const std::string& who,
    const std::string& detail
) {
    session.query(note_event_sql, name, action, who, printable(detail, 1'000));
}

void write_taps(
    pg::Session& session, const std::string& name, const std::vector<std::int64_t>& taps
) {
    const std::string list = array_of(taps);
    session.query(clear_taps_sql, name, list);
    session.query(add_taps_sql, name, list);
}

}  // namespace

Invitation invite(
    pg::Session& session,
    const std::string& name,
    const std::vector<std::int64_t>& taps,
    std::chrono::seconds lifetime,
    const std::string& who
) {
    check_name(name);
    const std::string taps_text = array_of(taps);
    pg::Transaction transaction(session);
    session.query(add_controller_sql, name, who);
    if (must_find(session, name) == "retired") {
        throw Error(
            ErrorKind::refused,
            "retired",
            fmt::format("the controller {} was written off", name),
            "give the new device a name of its own"
        );
    }
    session.query(cancel_codes_sql, name);
    write_taps(session, name, taps);
    Invitation made;
    made.code = pki::random_code(code_chars);
    const std::int64_t seconds = lifetime.count();
    const auto row = session.query(
        add_code_sql,
        code_id(made.code),
        "\\x" + to_hex(code_hash(made.code)),
        name,
        who,
        seconds,
        max_code_attempts
    );
    made.expires_at = row[0].text(0);
    note(session, name, "invited", who, "taps " + taps_text + " until " + made.expires_at);
    transaction.commit();
    return made;
}

std::vector<ListedController> list_controllers(pg::Session& session) {
    std::vector<ListedController> listed;
    const pg::Result rows = session.run(list_sql);
    for (const pg::Row row : rows) {
        ListedController one;
        one.name = row.text(0);
        one.status = row.text(1);
        one.reason = row.text(2);
        one.by = row.text(3);
        one.agent_version = row.text(4);
        one.last_seen = row.optional_text(5);
        one.certificate_until = row.optional_text(6);
        one.pending_certificates = row.integer(7);
        one.code_until = row.optional_text(8);
        listed.push_back(std::move(one));
    }
    const pg::Result taps = session.run(list_taps_sql);
    for (const pg::Row row : taps) {
        const auto owner = std::find_if(listed.begin(), listed.end(), [&](const auto& one) {
            return one.name == row.text(0);
        });
        if (owner != listed.end()) {
            owner->taps.push_back(row.integer(1));
        }
    }
    return listed;
}

bool revoke(
    pg::Session& session, const std::string& name, const std::string& reason, const std::string& who
) {
    pg::Transaction transaction(session);
    const std::string status = must_find(session, name);
    const bool fresh = status != "revoked";
    const std::string why = printable(reason, 1'000);
    // Written off is for good; its certificates are shut out all the same.
    if (fresh && status != "retired") {
        session.query(set_status_sql, name, "revoked", why, who);
    }
    // Also the second time: a code for its way back may have been made meanwhile.
    const auto shut = session.query(revoke_certificates_sql, name, why).affected() +
                      session.query(cancel_all_codes_sql, name).affected();
    if (fresh || shut > 0) {
        note(session, name, "revoked", who, reason);
    }
    transaction.commit();
    return fresh;
}

void approve(pg::Session& session, const std::string& name, const std::string& who) {
    pg::Transaction transaction(session);
    const std::string status = must_find(session, name);
    const auto changed = session.query(approve_certificates_sql, name);
    const bool open = status == "pending" || status == "enrolled";
    if (changed.affected() == 0 || !open) {
        throw Error(
            ErrorKind::refused,
            "nothing_pending",
            fmt::format("{} is {} and has no certificate that waits", name, status),
            "a device that was shut out or is new gets in with `tapline-central controllers enroll`"
        );
    }
    session.query(set_status_sql, name, "enrolled", "approved", who);
    note(session, name, "approved", who, fmt::format("{} certificates", changed.affected()));
    transaction.commit();
}

void set_taps(
    pg::Session& session,
    const std::string& name,
    const std::vector<std::int64_t>& taps,
    const std::string& who
) {
    pg::Transaction transaction(session);
    static_cast<void>(must_find(session, name));
    write_taps(session, name, taps);
    note(session, name, "taps", who, array_of(taps));
    transaction.commit();
}

}  // namespace tapline::fleet
