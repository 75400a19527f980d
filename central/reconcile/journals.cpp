#include "central/reconcile/journals.hpp"

#include <map>
#include <utility>

namespace tapline::reconcile {

namespace {

// $1 journal_id or NULL, here and below. How far an epoch goes is known by the newest device that
// shows it; what a device said before it began anew in a later epoch is over. j.max_seq is only of
// the last hello, whichever epoch that was.
constexpr std::string_view journals_sql = R"sql(
WITH settled AS (
    SELECT r.journal_id, r.epoch, count(*) AS many, sum(r.volume_ml) AS ml, sum(r.amount) AS amount
    FROM tapline.receipt r WHERE $1::uuid IS NULL OR r.journal_id = $1::uuid
    GROUP BY r.journal_id, r.epoch),
kept AS (
    SELECT q.journal_id, q.epoch, count(*) FILTER (WHERE q.state = 'waiting') AS waiting,
        count(*) FILTER (WHERE q.state = 'dismissed') AS dismissed
    FROM tapline.quarantine q WHERE $1::uuid IS NULL OR q.journal_id = $1::uuid
    GROUP BY q.journal_id, q.epoch)
SELECT c.journal_id, c.epoch, j.controller, c.cursor, encode(c.hash, 'hex'),
    coalesce((SELECT s.max_seq FROM tapline.journal_side s
        WHERE s.journal_id = c.journal_id AND s.epoch = c.epoch AND s.controller = j.controller
        AND NOT EXISTS (SELECT FROM tapline.journal_side n WHERE n.journal_id = s.journal_id
            AND n.controller = s.controller AND n.fingerprint = s.fingerprint
            AND n.epoch > s.epoch AND n.since >= s.last_seen)
        ORDER BY s.last_seen DESC, s.side_id DESC LIMIT 1),
        CASE WHEN c.epoch = (SELECT max(n.epoch) FROM tapline.cursor n
            WHERE n.journal_id = c.journal_id) THEN j.max_seq END),
    coalesce(s.many, 0), coalesce(s.ml, 0)::bigint, coalesce(s.amount * 100, 0)::bigint,
    coalesce(k.waiting, 0), coalesce(k.dismissed, 0)
FROM tapline.cursor c
JOIN tapline.journal j ON j.journal_id = c.journal_id
LEFT JOIN settled s ON s.journal_id = c.journal_id AND s.epoch = c.epoch
LEFT JOIN kept k ON k.journal_id = c.journal_id AND k.epoch = c.epoch
WHERE $1::uuid IS NULL OR c.journal_id = $1::uuid
ORDER BY j.controller, c.journal_id, c.epoch
)sql";

// $2 how many to name per epoch. A row that an operator settled from quarantine as a duplicate
// stands in the decisions only.
constexpr std::string_view holes_sql = R"sql(
WITH seen AS (
    SELECT r.journal_id, r.epoch, r.seq FROM tapline.receipt r
    WHERE $1::uuid IS NULL OR r.journal_id = $1::uuid
    UNION
    SELECT q.journal_id, q.epoch, q.seq FROM tapline.quarantine q
    WHERE $1::uuid IS NULL OR q.journal_id = $1::uuid
    UNION
    SELECT d.journal_id, d.epoch, d.seq FROM tapline.quarantine_decision d
    WHERE d.outcome IN ('settled', 'duplicate') AND ($1::uuid IS NULL OR d.journal_id = $1::uuid)
    UNION
    SELECT c.journal_id, c.epoch, c.cursor + 1 FROM tapline.cursor c
    WHERE $1::uuid IS NULL OR c.journal_id = $1::uuid),
step AS (
    SELECT s.journal_id, s.epoch, s.seq,
        lag(s.seq, 1, c.start_seq) OVER (PARTITION BY s.journal_id, s.epoch ORDER BY s.seq) AS before
    FROM seen s JOIN tapline.cursor c ON c.journal_id = s.journal_id AND c.epoch = s.epoch
    WHERE s.seq <= c.cursor + 1),
hole AS (
    SELECT t.journal_id, t.epoch, t.before + 1 AS first, t.seq - 1 AS last,
        row_number() OVER (PARTITION BY t.journal_id, t.epoch ORDER BY t.seq) AS place,
        count(*) OVER (PARTITION BY t.journal_id, t.epoch) AS many
    FROM step t WHERE t.seq > t.before + 1)
SELECT h.journal_id, h.epoch, h.many, h.first, h.last FROM hole h WHERE h.place <= $2::bigint
ORDER BY h.journal_id, h.epoch, h.first
)sql";

constexpr std::string_view faults_sql = R"sql(
WITH fault AS (
    SELECT r.journal_id, r.epoch, r.seq, 'pour_gone' AS code, r.pour_id::text AS detail
    FROM tapline.receipt r
    WHERE ($1::uuid IS NULL OR r.journal_id = $1::uuid)
    AND NOT EXISTS (SELECT FROM pours p WHERE p.pour_id = r.pour_id)
    UNION ALL
    SELECT r.journal_id, r.epoch, r.seq, 'pour_changed', format(
        'pour %s: pours has %s ml, %s, guest %s, keg %s; the receipt %s ml, %s, guest %s, keg %s',
        r.pour_id, p.volume_ml, p.amount_charged, p.guest_id, p.keg_id,
        r.volume_ml, r.amount, r.guest_id, r.keg_id)
    FROM tapline.receipt r JOIN pours p ON p.pour_id = r.pour_id
    WHERE ($1::uuid IS NULL OR r.journal_id = $1::uuid)
    AND (p.volume_ml, p.amount_charged, p.guest_id, p.keg_id)
        IS DISTINCT FROM (r.volume_ml, r.amount, r.guest_id, r.keg_id)
    UNION ALL
    SELECT q.journal_id, q.epoch, q.seq, 'both',
        format('quarantine %s and pour %s are one row', q.quarantine_id, r.pour_id)
    FROM tapline.quarantine q
    JOIN tapline.receipt r ON r.journal_id = q.journal_id AND r.row_hash = q.row_hash
    WHERE $1::uuid IS NULL OR q.journal_id = $1::uuid
    UNION ALL
    SELECT s.journal_id, s.epoch, s.seq, 'beyond_cursor', s.what
    FROM (SELECT r.journal_id, r.epoch, r.seq, 'settled' AS what FROM tapline.receipt r
        UNION ALL SELECT q.journal_id, q.epoch, q.seq, 'in quarantine' FROM tapline.quarantine q) s
    LEFT JOIN tapline.cursor c ON c.journal_id = s.journal_id AND c.epoch = s.epoch
    WHERE ($1::uuid IS NULL OR s.journal_id = $1::uuid) AND s.seq > coalesce(c.cursor, 0)),
counted AS (
    SELECT f.*, row_number() OVER (PARTITION BY f.journal_id, f.epoch ORDER BY f.seq, f.code) AS place,
        count(*) OVER (PARTITION BY f.journal_id, f.epoch) AS many
    FROM fault f)
SELECT n.journal_id, n.epoch, n.many, n.seq, n.code, n.detail FROM counted n
WHERE n.place <= $2::bigint ORDER BY n.journal_id, n.epoch, n.seq, n.code
)sql";

using Key = std::pair<std::string, std::int64_t>;

}  // namespace

std::vector<JournalState> read_journals(
    pg::Session& session, const std::optional<std::string>& journal_id
) {
    std::vector<JournalState> journals;
    std::map<Key, std::size_t> places;
    for (const pg::Row row : session.query(journals_sql, journal_id)) {
        JournalState state;
        state.journal_id = row.text(0);
        state.epoch = row.integer(1);
        state.controller = row.text(2);
        state.complete_through = row.integer(3);
        state.hash = row.text(4);
        state.max_seq = row.optional_integer(5);
        state.rows = row.integer(6);
        state.volume_ml = row.integer(7);
        state.amount_cents = row.integer(8);
        state.waiting = row.integer(9);
        state.dismissed = row.integer(10);
        places[{state.journal_id, state.epoch}] = journals.size();
        journals.push_back(std::move(state));
    }
    for (const pg::Row row : session.query(holes_sql, journal_id, max_named)) {
        JournalState& state = journals[places.at({std::string(row.text(0)), row.integer(1)})];
        state.hole_count = row.integer(2);
        state.holes.push_back({row.integer(3), row.integer(4)});
    }
    for (const pg::Row row : session.query(faults_sql, journal_id, max_named)) {
        const auto place = places.find({std::string(row.text(0)), row.integer(1)});
        if (place == places.end()) {
            // Receipts of a journal that cursor doesn't know: its own line, or nobody would see it.
            JournalState& lost = journals.emplace_back();
            lost.journal_id = row.text(0);
            lost.epoch = row.integer(1);
            places[{lost.journal_id, lost.epoch}] = journals.size() - 1;
        }
        JournalState& state = journals[places.at({std::string(row.text(0)), row.integer(1)})];
        state.fault_count = row.integer(2);
        state.faults.push_back({std::string(row.text(4)), row.integer(3), std::string(row.text(5))}
        );
    }
    return journals;
}

}  // namespace tapline::reconcile
