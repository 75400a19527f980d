#include "central/fleet/registry.hpp"

namespace tapline::fleet {

namespace {

constexpr pg::Statement add_journal{
    "hello_newjour",
    "INSERT INTO tapline.journal (journal_id, controller) VALUES ($1::uuid, $2::text)"
    " ON CONFLICT (journal_id) DO NOTHING"};

constexpr pg::Statement add_cursor{
    "hello_newcurs",
    "INSERT INTO tapline.cursor (journal_id, epoch) VALUES ($1::uuid, $2::bigint)"
    " ON CONFLICT (journal_id, epoch) DO NOTHING"};

}  // namespace

void register_journal(
    pg::Session& session,
    const std::string& controller,
    const std::string& journal_id,
    std::int64_t epoch
) {
    session.exec(add_journal, journal_id, controller);
    session.exec(add_cursor, journal_id, epoch);
}

}  // namespace tapline::fleet
