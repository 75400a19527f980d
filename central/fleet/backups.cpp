#include "central/fleet/backups.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::fleet {

namespace {

constexpr std::size_t max_note_bytes = 500;

// An id that a crash forgot must not be given twice: it is random, and the commit is durable.
constexpr std::string_view durable_sql = "SET LOCAL synchronous_commit = on";
constexpr std::string_view begin_sql =
    "INSERT INTO tapline.backup (backup_id, begun_by, note) VALUES "
    "(to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD\"T\"HH24MISS') || '-' || "
    "left(gen_random_uuid()::text, 8), $1, $2) RETURNING backup_id";
constexpr std::string_view keep_cursors_sql =
    "INSERT INTO tapline.backup_cursor (backup_id, journal_id, epoch, cursor) "
    "SELECT $1, c.journal_id, c.epoch, c.cursor FROM tapline.cursor c";
constexpr std::string_view forget_sql =
    "DELETE FROM tapline.backup WHERE begun_at < now() - make_interval(days => $1::int)";
constexpr std::string_view verify_sql =
    "UPDATE tapline.backup SET verified_at = coalesce(verified_at, now()), "
    "verified_by = coalesce(verified_by, $2) WHERE backup_id = $1";
// In the order in which settling locks them.
constexpr std::string_view lock_sql =
    "SELECT c.epoch FROM tapline.cursor c JOIN tapline.backup_cursor b "
    "ON b.journal_id = c.journal_id AND b.epoch = c.epoch WHERE b.backup_id = $1 "
    "ORDER BY c.journal_id, c.epoch FOR UPDATE OF c";
constexpr std::string_view move_sql =
    "UPDATE tapline.cursor AS c SET prunable_through = least(c.cursor, b.cursor) "
    "FROM tapline.backup_cursor b WHERE b.backup_id = $1 AND b.journal_id = c.journal_id "
    "AND b.epoch = c.epoch AND c.prunable_through < least(c.cursor, b.cursor)";
constexpr std::string_view list_sql = R"sql(
SELECT b.backup_id, to_char(b.begun_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    b.begun_by, b.note,
    coalesce(to_char(b.verified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
    coalesce(b.verified_by, ''),
    (SELECT count(*) FROM tapline.backup_cursor k WHERE k.backup_id = b.backup_id)
FROM tapline.backup b ORDER BY b.begun_at DESC LIMIT 100
)sql";

}  // namespace

BegunBackup begin_backup(pg::Session& session, const std::string& note, const std::string& who) {
    pg::Transaction transaction(session, durable_sql);
    session.query(forget_sql, backup_days);
    BegunBackup begun;
    begun.id = session.query(begin_sql, who, printable(note, max_note_bytes))[0].text(0);
    begun.journals = session.query(keep_cursors_sql, begun.id).affected();
    transaction.commit();
    return begun;
}

std::int64_t mark_backup_verified(
    pg::Session& session, const std::string& id, const std::string& who
) {
    pg::Transaction transaction(session, durable_sql);
    if (session.query(verify_sql, id, who).affected() == 0) {
        throw Error(
            ErrorKind::usage,
            "unknown_backup",
            fmt::format("no backup {} was begun", printable(id, 80)),
            "`tapline-central backup list` names them; `backup begin` comes before the dump"
        );
    }
    session.query(lock_sql, id);
    const std::int64_t moved = session.query(move_sql, id).affected();
    transaction.commit();
    return moved;
}

std::vector<ListedBackup> list_backups(pg::Session& session) {
    std::vector<ListedBackup> listed;
    for (const auto row : session.query(list_sql)) {
        ListedBackup one;
        one.id = row.text(0);
        one.begun_at = row.text(1);
        one.begun_by = row.text(2);
        one.note = row.text(3);
        one.verified_at = row.text(4);
        one.verified_by = row.text(5);
        one.journals = row.integer(6);
        listed.push_back(std::move(one));
    }
    return listed;
}

}  // namespace tapline::fleet
