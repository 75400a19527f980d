#include "central/fleet/sides.hpp"

#include "common/log.hpp"

namespace tapline::fleet {

namespace {

constexpr std::size_t max_note_bytes = 200;

constexpr pg::Statement find_window{
    "side_window",
    "SELECT coalesce((SELECT s.value FROM tapline.setting s WHERE s.key = 'fork.alive_s'"
    " AND s.value ~ '^[0-9]{1,6}$'), $1::text)::bigint"};

// $9 seconds after which a silent device counts as gone: then it begins anew
constexpr pg::Statement note{
    "side_note",
    "INSERT INTO tapline.journal_side AS s"
    " (journal_id, controller, fingerprint, boot_id, epoch, acked, max_seq, depth, revision,"
    " oldest_unacked_revision)"
    " VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint,"
    " $8::bigint, $10::text, $11::text)"
    " ON CONFLICT (journal_id, controller, fingerprint, boot_id) DO UPDATE SET"
    " epoch = excluded.epoch, acked = excluded.acked, max_seq = excluded.max_seq,"
    " depth = excluded.depth, last_seen = statement_timestamp(),"
    " revision = coalesce(nullif(excluded.revision, ''), s.revision),"
    " oldest_unacked_revision = coalesce(nullif(excluded.oldest_unacked_revision, ''),"
    "  s.oldest_unacked_revision),"
    " since = CASE"
    "  WHEN s.last_seen < statement_timestamp() - make_interval(secs => $9::bigint)"
    "  THEN statement_timestamp() ELSE s.since END"
    " RETURNING s.side_id, s.verdict, s.since = s.last_seen"};

constexpr pg::Statement forget{
    "side_forget",
    "DELETE FROM tapline.journal_side"
    " WHERE journal_id = $1::uuid AND controller = $3::text AND side_id NOT IN ("
    " SELECT s.side_id FROM tapline.journal_side s"
    " WHERE s.journal_id = $1::uuid AND s.controller = $3::text"
    " ORDER BY s.last_seen DESC, s.side_id DESC LIMIT $2::bigint)"};

// An operator's word on a device counts for its next boots too, unless the other side's hardware
// can't be told from it.
constexpr pg::Statement find_sides{
    "side_find",
    "SELECT s.side_id, s.fingerprint, s.epoch, c.epoch IS NOT NULL AND c.closed_at IS NULL,"
    " coalesce(g.granted_by <> 'policy', false),"
    " (extract(epoch FROM clock_timestamp() - s.last_seen) * 1000)::bigint,"
    " (extract(epoch FROM clock_timestamp() - s.since) * 1000)::bigint"
    " FROM tapline.journal_side s"
    " LEFT JOIN tapline.cursor c ON c.journal_id = s.journal_id AND c.epoch = s.epoch"
    " LEFT JOIN tapline.epoch_grant g ON g.journal_id = s.journal_id AND g.epoch = s.epoch"
    " WHERE s.journal_id = $1::uuid AND s.controller = $2::text"
    " AND s.last_seen > clock_timestamp() - make_interval(secs => $3::bigint + 1)"
    " ORDER BY s.last_seen DESC LIMIT 20"};

constexpr pg::Statement find_verdict{
    "side_verdict",
    "SELECT CASE WHEN bool_or(s.boot_id = $4::text AND s.verdict = 'chosen')"
    " OR bool_and(s.verdict = 'chosen') THEN 'chosen'"
    " WHEN bool_or(s.verdict = 'refused') THEN 'refused' ELSE '' END"
    " FROM tapline.journal_side s WHERE s.journal_id = $1::uuid AND s.controller = $2::text"
    " AND s.fingerprint = $3::text AND s.verdict IS NOT NULL"};

constexpr pg::Statement set_contest{
    "side_contest",
    "UPDATE tapline.journal SET contested_at = CASE WHEN $2::boolean THEN clock_timestamp() END"
    " WHERE journal_id = $1::uuid"};

constexpr pg::Statement note_contest{
    "side_event",
    "INSERT INTO tapline.controller_event (controller, action, who, detail)"
    " SELECT j.controller, $2::text, 'central', 'journal ' || j.journal_id"
    " FROM tapline.journal j WHERE j.journal_id = $1::uuid"};

}  // namespace

Sides note_side(pg::Session& session, const Sighting& sighting) {
    const std::string fingerprint = printable(sighting.fingerprint, max_note_bytes);
    const std::string boot_id = printable(sighting.boot_id, max_note_bytes);
    const std::int64_t window_s =
        session.exec(find_window, std::to_string(default_alive_s))[0].integer(0);
    const auto noted = session.exec(
        note,
        sighting.journal_id,
        sighting.controller,
        fingerprint,
        boot_id,
        sighting.epoch,
        sighting.acked,
        sighting.max_seq,
        sighting.depth,
        window_s,
        printable(sighting.revision, max_note_bytes),
        printable(sighting.oldest_unacked_revision, max_note_bytes)
    );
    const std::int64_t id = noted[0].integer(0);
    if (noted[0].boolean(2)) {
        session.exec(forget, sighting.journal_id, max_sides, sighting.controller);
    }
    Sides sides;
    sides.window = std::chrono::seconds(window_s);
    for (const auto row :
         session.exec(find_sides, sighting.journal_id, sighting.controller, window_s)) {
        Side side;
        side.id = row.integer(0);
        side.fingerprint = row.text(1);
        side.epoch = row.integer(2);
        side.epoch_open = row.boolean(3);
        side.by_operator = row.boolean(4);
        side.silent = std::chrono::milliseconds(row.integer(5));
        side.session = std::chrono::milliseconds(row.integer(6));
        if (side.id == id) {
            sides.self = std::move(side);
        } else {
            sides.others.push_back(std::move(side));
        }
    }
    sides.verdict =
        session
            .exec(find_verdict, sighting.journal_id, sighting.controller, fingerprint, boot_id)[0]
            .text(0);
    return sides;
}

Liveness update_contest(
    pg::Session& session, const std::string& journal_id, const Sides& sides, bool contested
) {
    const auto liveness = judge(sides.self, sides.others, sides.window, contested);
    const bool now =
        liveness == Liveness::two_alive || (contested && contest_among(sides.others, sides.window));
    if (now != contested) {
        session.exec(set_contest, journal_id, now);
        session.exec(note_contest, journal_id, now ? "two_alive" : "one_left");
    }
    return liveness;
}

}  // namespace tapline::fleet
