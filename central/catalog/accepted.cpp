#include "central/catalog/accepted.hpp"

namespace tapline::catalog {

namespace {

constexpr std::string_view has_table_sql =
    "SELECT to_regclass('tapline.accepted_difference') IS NOT NULL";
constexpr std::string_view read_sql =
    "SELECT object, digest FROM tapline.accepted_difference "
    "WHERE digest NOT LIKE 'withdrawn %' ORDER BY object, digest";
constexpr std::string_view list_sql =
    "SELECT object, reason, who, "
    "to_char(accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
    "FROM tapline.accepted_difference WHERE digest NOT LIKE 'withdrawn %' "
    "ORDER BY object, accepted_at";
// A digest is hex: with that word before it no difference has it any more, and the row is a record.
constexpr std::string_view withdraw_sql =
    "UPDATE tapline.accepted_difference SET "
    "digest = format('withdrawn %s %s', to_char(clock_timestamp() AT TIME ZONE 'UTC', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), digest), "
    "reason = format('%s; withdrawn by %s (%s): %s', reason, session_user, $2::text, $3::text) "
    "WHERE object = $1 AND digest NOT LIKE 'withdrawn %' RETURNING object";
constexpr std::string_view write_sql =
    "INSERT INTO tapline.accepted_difference (object, digest, reason, who) "
    "VALUES ($1, $2, $3, $4) ON CONFLICT (object, digest) DO UPDATE SET reason = excluded.reason, "
    "who = excluded.who, accepted_at = excluded.accepted_at";

}  // namespace

AcceptedDifferences read_accepted(pg::Session& session) {
    AcceptedDifferences accepted;
    if (!session.run(has_table_sql)[0].boolean(0)) {
        return accepted;
    }
    const pg::Result rows = session.run(read_sql);
    for (const pg::Row row : rows) {
        accepted.emplace(row.text(0), row.text(1));
    }
    return accepted;
}

void write_accepted(
    pg::Session& session, const std::vector<Acceptance>& accepted, const std::string& who
) {
    for (const Acceptance& one : accepted) {
        session.query(write_sql, one.finding.object, digest(one.finding), one.reason, who);
    }
}

std::vector<Kept> list_accepted(pg::Session& session) {
    std::vector<Kept> kept;
    if (!session.run(has_table_sql)[0].boolean(0)) {
        return kept;
    }
    const pg::Result rows = session.run(list_sql);
    for (const pg::Row row : rows) {
        kept.push_back(
            {std::string(row.text(0)),
             std::string(row.text(1)),
             std::string(row.text(2)),
             std::string(row.text(3))}
        );
    }
    return kept;
}

std::size_t withdraw_accepted(
    pg::Session& session, const std::string& object, const std::string& who, const std::string& why
) {
    if (!session.run(has_table_sql)[0].boolean(0)) {
        return 0;
    }
    return static_cast<std::size_t>(session.query(withdraw_sql, object, who, why).rows());
}

}  // namespace tapline::catalog
