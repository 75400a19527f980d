#include "central/catalog/accepted.hpp"

namespace tapline::catalog {

namespace {

constexpr std::string_view has_table_sql =
    "SELECT to_regclass('tapline.accepted_difference') IS NOT NULL";
constexpr std::string_view read_sql =
    "SELECT object, digest FROM tapline.accepted_difference ORDER BY object, digest";
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

}  // namespace tapline::catalog
