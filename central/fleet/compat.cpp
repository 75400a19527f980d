#include "central/fleet/compat.hpp"

#include "central/compat/verdict.hpp"
#include "central/compat/words.hpp"

namespace tapline::fleet {

namespace {

constexpr pg::Statement share_lock{
    "hello_lock", "SELECT pg_try_advisory_xact_lock_shared(8386107590299353090)"};

// $1 controller, $2 journal revision
constexpr pg::Statement find_terms{
    "hello_compat",
    "SELECT c.status = 'retired', n.place, coalesce(m.place, 0), coalesce(m.revision, ''),"
    " coalesce(m.agent_version, ''), coalesce(t.revision, ''),"
    " w.min_version, w.max_version, w.agent_version,"
    " (SELECT v.version_num FROM tapline.alembic_version v ORDER BY v.version_num LIMIT 1)"
    " FROM tapline.controller c CROSS JOIN tapline.wire_window w"
    " LEFT JOIN tapline.journal_revision n ON n.revision = $2::text"
    " LEFT JOIN LATERAL (SELECT r.* FROM tapline.journal_minimum x"
    "  JOIN tapline.journal_revision r ON r.revision = x.revision"
    "  ORDER BY r.place DESC LIMIT 1) m ON true"
    " LEFT JOIN LATERAL (SELECT r.revision FROM tapline.journal_revision r"
    "  ORDER BY r.place DESC LIMIT 1) t ON true"
    " WHERE c.name = $1::text"};

bool spoken(std::int64_t from, std::int64_t to) {
    return from <= wire::protocol_version && wire::protocol_version <= to;
}

}  // namespace

bool share_contract_lock(pg::Session& session) {
    return session.exec(share_lock)[0].boolean(0);
}

Compatible judge(pg::Session& session, const std::string& controller, const wire::Hello& hello) {
    const auto found = session.exec(find_terms, controller, hello.revision);
    if (found.empty()) {
        return {};
    }
    const auto row = found[0];
    compat::Terms terms;
    terms.revision = hello.revision;
    terms.agent_min = hello.protocol_min;
    terms.agent_max = hello.protocol_max;
    terms.minimum = row.text(3);
    terms.minimum_agent = row.text(4);
    terms.newest = row.text(5);
    terms.window_min = row.integer(6);
    terms.window_max = row.integer(7);
    terms.window_agent = row.text(8);
    compat::Shape shape;
    shape.retired = row.boolean(0);
    shape.now = row.optional_integer(1);
    shape.minimum = row.integer(2);
    shape.wire_spoken = spoken(hello.protocol_min, hello.protocol_max) &&
                        spoken(terms.window_min, terms.window_max);
    Compatible made;
    const compat::Verdict verdict = compat::judge_hello(shape);
    if (verdict != compat::Verdict::serve) {
        made.refused = compat::refusal(verdict, terms);
        // A newer agent finds its way up by these, though it isn't served yet.
        made.refused->central_revision = row.text(9);
        made.refused->journal_minimum = terms.minimum;
    } else if (!shape.retired) {
        made.journal_minimum = terms.minimum;
    }
    return made;
}

}  // namespace tapline::fleet
