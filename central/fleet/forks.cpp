#include "central/fleet/forks.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::fleet {

namespace {

constexpr std::chrono::milliseconds lock_timeout{5'000};
constexpr std::chrono::milliseconds statement_timeout{30'000};

// $1 also what has been repaired. A controller that a journal was moved away from still has the old
// file and says hello with it; nobody has to do anything about that here.
constexpr std::string_view forks_sql = R"sql(
SELECT f.journal_id, f.controller, f.state, f.since FROM (
    SELECT j.journal_id, j.controller, CASE
        WHEN j.contested_at IS NOT NULL THEN 'two_alive'
        WHEN EXISTS (SELECT FROM tapline.journal_side s WHERE s.journal_id = j.journal_id
            AND s.controller <> j.controller AND s.last_seen > now() - interval '7 days'
            AND NOT coalesce((SELECT left(e.detail, 40) = j.journal_id || ' to '
                FROM tapline.controller_event e WHERE e.controller = s.controller
                AND e.action = 'journal_moved' AND left(e.detail, 36) = j.journal_id::text
                ORDER BY e.event_id DESC LIMIT 1), false))
            THEN 'shown_elsewhere'
        WHEN EXISTS (SELECT FROM tapline.journal_side s JOIN tapline.cursor c
            ON c.journal_id = s.journal_id AND c.epoch = s.epoch AND c.closed_at IS NOT NULL
            WHERE s.journal_id = j.journal_id AND s.verdict IS DISTINCT FROM 'chosen'
            AND s.last_seen > greatest(c.closed_at, now() - interval '1 day'))
            THEN 'refused'
        WHEN EXISTS (SELECT FROM tapline.epoch_grant g WHERE g.journal_id = j.journal_id)
            THEN 'repaired' END AS state,
        coalesce(to_char(j.contested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')
            AS since
    FROM tapline.journal j) f
WHERE f.state <> 'repaired' OR ($1::boolean AND f.state = 'repaired')
ORDER BY f.controller, f.journal_id LIMIT 500
)sql";

// $1 journals
constexpr std::string_view sides_sql = R"sql(
SELECT s.journal_id, s.side_id, s.controller, s.fingerprint, s.boot_id, s.epoch, s.acked,
    s.max_seq, s.depth,
    to_char(s.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    to_char(s.last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    s.last_seen > now() - make_interval(secs => coalesce((SELECT t.value FROM tapline.setting t
        WHERE t.key = 'fork.alive_s' AND t.value ~ '^[0-9]{1,6}$'), '180')::bigint),
    coalesce(s.verdict, ''), coalesce(s.verdict_by, ''), coalesce(s.verdict_reason, '')
FROM tapline.journal_side s WHERE s.journal_id = ANY ($1::uuid[])
ORDER BY s.journal_id, s.last_seen DESC
)sql";

// $1 journals
constexpr std::string_view epochs_sql = R"sql(
SELECT c.journal_id, c.epoch, c.start_seq, c.cursor, c.closed_at IS NOT NULL,
    coalesce(g.granted_by, ''),
    coalesce(to_char(g.granted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
    coalesce(g.reason, '')
FROM tapline.cursor c
LEFT JOIN tapline.epoch_grant g ON g.journal_id = c.journal_id AND g.epoch = c.epoch
WHERE c.journal_id = ANY ($1::uuid[]) ORDER BY c.journal_id, c.epoch
)sql";

constexpr std::string_view find_prefix_sql =
    "SELECT j.journal_id FROM tapline.journal j WHERE left(j.journal_id::text, length($1::text)) "
    "= lower($1::text) LIMIT 2";
constexpr std::string_view lock_journal_sql =
    "SELECT j.controller, j.contested_at IS NOT NULL, EXISTS (SELECT FROM tapline.cursor c "
    "WHERE c.journal_id = j.journal_id AND c.closed_at IS NOT NULL) "
    "FROM tapline.journal j WHERE j.journal_id = $1::uuid FOR NO KEY UPDATE";
constexpr std::string_view known_sides_sql =
    "SELECT count(*) FROM tapline.journal_side s WHERE s.journal_id = $1::uuid "
    "AND s.controller = $2 AND s.side_id = ANY ($3::bigint[])";
constexpr std::string_view choose_sql =
    "UPDATE tapline.journal_side SET verdict = 'chosen', verdict_by = $3, verdict_reason = $4, "
    "verdict_at = now() WHERE journal_id = $1::uuid AND side_id = ANY ($2::bigint[])";
constexpr std::string_view refuse_sql =
    "UPDATE tapline.journal_side SET verdict = 'refused', verdict_by = $3, verdict_reason = $4, "
    "verdict_at = now() WHERE journal_id = $1::uuid AND NOT side_id = ANY ($2::bigint[])";
constexpr std::string_view close_epochs_sql =
    "UPDATE tapline.cursor SET closed_at = now() WHERE journal_id = $1::uuid AND closed_at IS NULL";
constexpr std::string_view end_contest_sql =
    "UPDATE tapline.journal SET contested_at = NULL WHERE journal_id = $1::uuid";
constexpr std::string_view find_status_sql =
    "SELECT status FROM tapline.controller WHERE name = $1 FOR SHARE";
constexpr std::string_view move_sql =
    "UPDATE tapline.journal SET controller = $2, contested_at = NULL WHERE journal_id = $1::uuid";
constexpr std::string_view forget_sides_sql =
    "DELETE FROM tapline.journal_side WHERE journal_id = $1::uuid";
constexpr std::string_view note_event_sql =
    "INSERT INTO tapline.controller_event (controller, action, who, detail) "
    "VALUES ($1, $2, $3, $4)";

ListedSide read_side(const pg::Row& row) {
    ListedSide side;
    side.id = row.integer(1);
    side.controller = row.text(2);
    side.fingerprint = row.text(3);
    side.boot_id = row.text(4);
    side.epoch = row.integer(5);
    side.acked = row.integer(6);
    side.max_seq = row.integer(7);
    side.depth = row.integer(8);
    side.since = row.text(9);
    side.last_seen = row.text(10);
    side.alive = row.boolean(11);
    side.verdict = row.text(12);
    side.verdict_by = row.text(13);
    side.verdict_reason = row.text(14);
    return side;
}

ListedEpoch read_epoch(const pg::Row& row) {
    ListedEpoch epoch;
    epoch.epoch = row.integer(1);
    epoch.start_seq = row.integer(2);
    epoch.cursor = row.integer(3);
    epoch.closed = row.boolean(4);
    epoch.granted_by = row.text(5);
    epoch.granted_at = row.text(6);
    epoch.reason = row.text(7);
    return epoch;
}

pg::Result lock_journal(pg::Session& session, const std::string& journal_id) {
    auto found = session.query(lock_journal_sql, journal_id);
    if (found.empty()) {
        throw Error(
            ErrorKind::usage,
            "unknown_journal",
            fmt::format("there is no journal {}", journal_id),
            "`tapline-central controllers forks --all` and `reconcile --journal` name them"
        );
    }
    return found;
}

void note(
    pg::Session& session,
    const std::string& controller,
    const char* action,
    const std::string& who,
    const std::string& detail
) {
    session.query(note_event_sql, controller, action, who, printable(detail, 1'000));
}

}  // namespace

std::vector<ListedFork> list_forks(pg::Session& session, bool all) {
    std::vector<ListedFork> forks;
    pg::ArrayBuilder ids;
    for (const auto row : session.query(forks_sql, all)) {
        ListedFork fork;
        fork.journal_id = row.text(0);
        fork.controller = row.text(1);
        fork.state = row.text(2);
        fork.since = row.text(3);
        ids.plain(fork.journal_id);
        forks.push_back(std::move(fork));
    }
    const auto fork_of = [&forks](std::string_view journal_id) -> ListedFork& {
        return *std::find_if(forks.begin(), forks.end(), [&](const auto& fork) {
            return fork.journal_id == journal_id;
        });
    };
    for (const auto row : session.query(sides_sql, ids)) {
        fork_of(row.text(0)).sides.push_back(read_side(row));
    }
    for (const auto row : session.query(epochs_sql, ids)) {
        fork_of(row.text(0)).epochs.push_back(read_epoch(row));
    }
    return forks;
}

std::string find_journal_id(pg::Session& session, const std::string& prefix) {
    const auto found = session.query(find_prefix_sql, prefix);
    if (found.rows() == 1 && prefix.size() >= 4) {
        return std::string(found[0].text(0));
    }
    const std::string shown = printable(prefix, 80);
    throw Error(
        ErrorKind::usage,
        found.empty() ? "unknown_journal" : "ambiguous_journal",
        found.rows() == 1
            ? fmt::format("'{}' is too short for a journal's id", shown)
            : fmt::format(
                  "{} journal's id begins with '{}'", found.empty() ? "no" : "more than one", shown
              ),
        "give the whole id, or four of its characters at least; `controllers forks --all` lists "
        "journals with several epochs, `reconcile` all of them"
    );
}

Decided decide_fork(
    pg::Session& session,
    const std::string& journal_id,
    std::vector<std::int64_t> sides,
    const std::string& reason,
    const std::string& who
) {
    std::sort(sides.begin(), sides.end());
    sides.erase(std::unique(sides.begin(), sides.end()), sides.end());
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    const auto journal = lock_journal(session, journal_id);
    const std::string controller(journal[0].text(0));
    const bool contested = journal[0].boolean(1);
    if (!contested && !journal[0].boolean(2)) {
        throw Error(
            ErrorKind::refused,
            "no_fork",
            fmt::format("no two devices show journal {} at once", journal_id),
            "nothing to decide: a single device gets its epoch by itself"
        );
    }
    const std::string list = fmt::format("{{{}}}", fmt::join(sides, ","));
    const auto known = session.query(known_sides_sql, journal_id, controller, list);
    if (sides.empty() || known[0].integer(0) != static_cast<std::int64_t>(sides.size())) {
        throw Error(
            ErrorKind::usage,
            "unknown_side",
            fmt::format("journal {} of {} has no such side", journal_id, controller),
            "`tapline-central controllers forks` numbers them"
        );
    }
    Decided decided;
    decided.chosen = session.query(choose_sql, journal_id, list, who, reason).affected();
    if (contested) {
        decided.refused = session.query(refuse_sql, journal_id, list, who, reason).affected();
        decided.closed_epochs = session.query(close_epochs_sql, journal_id).affected();
        session.query(end_contest_sql, journal_id);
    }
    note(
        session,
        controller,
        "fork_decided",
        who,
        fmt::format("journal {}: sides {} go on: {}", journal_id, fmt::join(sides, ", "), reason)
    );
    transaction.commit();
    return decided;
}

std::string move_journal(
    pg::Session& session,
    const std::string& journal_id,
    const std::string& to,
    const std::string& reason,
    const std::string& who
) {
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    const auto journal = lock_journal(session, journal_id);
    const std::string from(journal[0].text(0));
    const auto target = session.query(find_status_sql, to);
    if (target.empty()) {
        throw Error(
            ErrorKind::usage,
            "unknown_controller",
            fmt::format("there is no controller {}", printable(to, 80)),
            "`tapline-central controllers list` names them"
        );
    }
    const auto status = target[0].text(0);
    if (status == "revoked" || status == "retired") {
        throw Error(
            ErrorKind::refused,
            "not_enrolled",
            fmt::format("{} is {}", to, status),
            "move the journal to a controller that may send"
        );
    }
    if (from == to) {
        throw Error(
            ErrorKind::refused,
            "already_there",
            fmt::format("journal {} belongs to {} already", journal_id, to),
            "nothing to do"
        );
    }
    session.query(move_sql, journal_id, to);
    session.query(forget_sides_sql, journal_id);
    note(session, from, "journal_moved", who, fmt::format("{} to {}: {}", journal_id, to, reason));
    note(
        session, to, "journal_moved", who, fmt::format("{} from {}: {}", journal_id, from, reason)
    );
    transaction.commit();
    return from;
}

}  // namespace tapline::fleet
