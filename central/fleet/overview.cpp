#include "central/fleet/overview.hpp"

namespace tapline::fleet {

namespace {

constexpr std::string_view lines_sql = R"sql(
SELECT c.name, c.status, coalesce(c.agent_version, ''),
    CASE WHEN j.reported_at IS NOT NULL
         THEN to_char(j.reported_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
    coalesce(j.journal_id::text, ''), coalesce(j.revision, ''),
    coalesce(j.oldest_unacked_revision, ''), coalesce(j.depth, 0), coalesce(j.free_bytes, 0)
FROM tapline.controller c LEFT JOIN tapline.journal j ON j.controller = c.name
ORDER BY c.name, j.journal_id
)sql";
constexpr std::string_view known_sql =
    "SELECT r.revision FROM tapline.journal_revision r ORDER BY r.place";
constexpr std::string_view minimum_sql =
    "SELECT r.revision, m.contract FROM tapline.journal_minimum m "
    "JOIN tapline.journal_revision r ON r.revision = m.revision "
    "ORDER BY r.place DESC, m.fixed_at LIMIT 1";

}  // namespace

std::vector<FleetLine> overview(pg::Session& session) {
    std::vector<FleetLine> lines;
    const pg::Result rows = session.run(lines_sql);
    for (const pg::Row row : rows) {
        FleetLine one;
        one.controller = row.text(0);
        one.status = row.text(1);
        one.agent_version = row.text(2);
        one.last_seen = row.optional_text(3);
        one.journal_id = row.text(4);
        one.revision = row.text(5);
        one.oldest_unacked = row.text(6);
        one.depth = row.integer(7);
        one.free_bytes = row.integer(8);
        lines.push_back(std::move(one));
    }
    return lines;
}

JournalTerms journal_terms(pg::Session& session) {
    JournalTerms terms;
    const pg::Result known = session.run(known_sql);
    for (const pg::Row row : known) {
        terms.known.emplace_back(row.text(0));
    }
    const pg::Result minimum = session.run(minimum_sql);
    if (!minimum.empty()) {
        terms.minimum = minimum[0].text(0);
        terms.contract = minimum[0].text(1);
    }
    return terms;
}

}  // namespace tapline::fleet
