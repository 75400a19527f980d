#include "central/compat/blockers.hpp"

#include <fmt/format.h>

namespace tapline::compat {

namespace {

// What a hello reports is as old as that hello; pours that it knew of and that have been acked
// since are seen by the cursor. Rows after it are of the revision that the journal had then. A
// journal that an operator lets go on in two copies counts with both. $1 journal revision
constexpr std::string_view blockers_sql = R"sql(
WITH wanted AS (
    SELECT r.place FROM tapline.journal_revision r WHERE r.revision = $1
), side AS (
    SELECT DISTINCT ON (s.journal_id, s.epoch) s.journal_id, s.epoch, s.revision,
        s.oldest_unacked_revision, s.depth, s.max_seq, s.last_seen, k.cursor
    FROM tapline.journal_side s
    JOIN tapline.cursor k ON k.journal_id = s.journal_id AND k.epoch = s.epoch
    WHERE k.closed_at IS NULL AND s.verdict IS DISTINCT FROM 'refused'
    AND NOT EXISTS (SELECT FROM tapline.epoch_grant g WHERE g.journal_id = s.journal_id
        AND g.from_epoch = s.epoch AND g.fingerprint = s.fingerprint
        AND g.granted_at >= s.last_seen)
    ORDER BY s.journal_id, s.epoch, s.last_seen DESC
), shared AS (
    SELECT s.journal_id FROM side s GROUP BY s.journal_id HAVING count(*) > 1
), copy AS (
    SELECT j.journal_id, j.revision, j.oldest_unacked_revision, j.depth, j.max_seq, j.reported_at,
        (SELECT c.cursor FROM tapline.cursor c WHERE c.journal_id = j.journal_id
         ORDER BY coalesce(c.epoch = (SELECT s.epoch FROM side s
                                      WHERE s.journal_id = j.journal_id), false) DESC,
             c.epoch DESC LIMIT 1) AS cursor
    FROM tapline.journal j
    WHERE j.reported_at IS NOT NULL AND j.journal_id NOT IN (SELECT h.journal_id FROM shared h)
    UNION ALL
    SELECT s.journal_id, s.revision, s.oldest_unacked_revision, s.depth, s.max_seq, s.last_seen,
        s.cursor
    FROM side s WHERE s.journal_id IN (SELECT h.journal_id FROM shared h)
), stream AS (
    SELECT p.*, j.controller, j.shape_since, j.created_at, n.place AS now_place,
        o.place AS old_place,
        greatest(coalesce(p.max_seq, 0) - coalesce(p.cursor, 0), 0) AS behind,
        greatest(coalesce(p.max_seq, 0), coalesce(p.cursor, 0)) AS pours
    FROM copy p
    JOIN tapline.journal j ON j.journal_id = p.journal_id
    LEFT JOIN tapline.journal_revision n ON n.revision = p.revision
    LEFT JOIN tapline.journal_revision o ON o.revision = p.oldest_unacked_revision
    WHERE j.retired_at IS NULL OR p.reported_at > j.retired_at
)
SELECT c.name, c.status, coalesce(c.agent_version, ''),
    to_char(s.reported_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    coalesce(s.journal_id::text, ''), coalesce(s.revision, ''),
    coalesce(s.oldest_unacked_revision, ''), coalesce(least(s.depth, s.behind), 0),
    to_char(coalesce(s.shape_since, s.created_at, c.status_at, c.first_seen) AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    CASE WHEN s.journal_id IS NULL THEN 0
        WHEN s.now_place IS NULL THEN 3
        WHEN s.now_place < w.place THEN 1
        WHEN s.old_place IS NULL THEN 3
        ELSE 2 END
FROM tapline.controller c
CROSS JOIN wanted w
LEFT JOIN stream s ON s.controller = c.name
WHERE c.status NOT IN ('revoked', 'retired')
AND (c.status = 'enrolled' OR s.pours > 0)
AND (s.journal_id IS NULL OR s.now_place IS NULL OR s.now_place < w.place
    OR (s.behind > 0 AND (s.old_place IS NULL OR s.old_place < w.place)))
ORDER BY c.name, s.journal_id
)sql";

Reason reason_of(std::int64_t number) noexcept {
    switch (number) {
        case 0:
            return Reason::never_seen;
        case 1:
            return Reason::writes_old;
        case 2:
            return Reason::holds_old;
        default:
            return Reason::unknown;
    }
}

}  // namespace

const char* to_string(Reason reason) noexcept {
    switch (reason) {
        case Reason::never_seen:
            return "never_seen";
        case Reason::writes_old:
            return "writes_old";
        case Reason::holds_old:
            return "holds_old";
        case Reason::unknown:
            return "unknown";
    }
    return "unknown";
}

std::string why(const Blocker& blocker) {
    switch (blocker.reason) {
        case Reason::never_seen:
            return "enrolled, and never said hello";
        case Reason::writes_old:
            return blocker.rows == 0
                       ? fmt::format("writes {}", blocker.revision)
                       : fmt::format(
                             "writes {}, {} pours wait there", blocker.revision, blocker.rows
                         );
        case Reason::holds_old:
            return fmt::format(
                "{} pours from {} on wait there", blocker.rows, blocker.oldest_unacked
            );
        case Reason::unknown:
            return fmt::format(
                "is at {}, its oldest pour at {}: not known here",
                blocker.revision.empty() ? "no revision" : blocker.revision,
                blocker.oldest_unacked.empty() ? "no revision" : blocker.oldest_unacked
            );
    }
    return {};
}

std::vector<Blocker> blockers(pg::Session& session, const std::string& required) {
    std::vector<Blocker> found;
    const pg::Result rows = session.query(blockers_sql, required);
    for (const pg::Row row : rows) {
        Blocker one;
        one.controller = row.text(0);
        one.status = row.text(1);
        one.agent_version = row.text(2);
        one.last_seen = row.optional_text(3);
        one.journal_id = row.text(4);
        one.revision = row.text(5);
        one.oldest_unacked = row.text(6);
        one.rows = row.integer(7);
        one.since = row.text(8);
        one.reason = reason_of(row.integer(9));
        found.push_back(std::move(one));
    }
    return found;
}

}  // namespace tapline::compat
