#include "central/fleet/showing.hpp"

#include "central/fleet/sides.hpp"
#include "central/settle/problems.hpp"

namespace tapline::fleet {

namespace {

constexpr pg::Statement find_state{
    "show_state",
    "SELECT j.contested_at IS NOT NULL, coalesce((SELECT c.closed_at IS NOT NULL"
    " FROM tapline.cursor c WHERE c.journal_id = j.journal_id AND c.epoch = $2::bigint), false)"
    " FROM tapline.journal j WHERE j.journal_id = $1::uuid"};

constexpr pg::Statement take_grant{
    "show_take",
    "UPDATE tapline.epoch_grant SET taken_at = clock_timestamp()"
    " WHERE journal_id = $1::uuid AND epoch = $2::bigint AND taken_at IS NULL"};

Sighting sighting_of(const std::string& controller, const wire::Hello& hello) {
    Sighting sighting;
    sighting.controller = controller;
    sighting.journal_id = hello.journal_id;
    sighting.epoch = hello.epoch;
    sighting.fingerprint = hello.fingerprint;
    sighting.boot_id = hello.clock.boot_id;
    sighting.acked = hello.acked_through;
    sighting.revision = hello.revision;
    sighting.oldest_unacked_revision = hello.oldest_unacked_revision;
    sighting.max_seq = hello.max_seq;
    sighting.depth = hello.depth;
    return sighting;
}

}  // namespace

std::optional<wire::Problem> check_side(
    pg::Session& session, const std::string& controller, const wire::Hello& hello
) {
    const auto state = session.exec(find_state, hello.journal_id, hello.epoch);
    const auto sides = note_side(session, sighting_of(controller, hello));
    if (state[0].boolean(1)) {
        return settle::problems::epoch_closed(hello.epoch);
    }
    const bool contested = state[0].boolean(0);
    if (update_contest(session, hello.journal_id, sides, contested) == Liveness::two_alive) {
        return settle::problems::two_alive(hello.journal_id);
    }
    session.exec(take_grant, hello.journal_id, hello.epoch);
    return std::nullopt;
}

void note_foreign(pg::Session& session, const std::string& controller, const wire::Hello& hello) {
    static_cast<void>(note_side(session, sighting_of(controller, hello)));
}

}  // namespace tapline::fleet
