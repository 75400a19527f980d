#include "central/fleet/hello.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "central/fleet/compat.hpp"
#include "central/fleet/registry.hpp"
#include "central/fleet/showing.hpp"
#include "central/settle/prepare.hpp"
#include "central/settle/problems.hpp"
#include "central/settle/rows.hpp"
#include "central/settle/statements.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::fleet {

namespace {

constexpr std::size_t max_name_bytes = 100;
constexpr std::size_t max_note_bytes = 200;
constexpr std::chrono::milliseconds lock_timeout{1'000};
constexpr std::chrono::milliseconds statement_timeout{10'000};

// A controller that nobody enrolled is "loopback": until certificates exist only this machine
// reaches central at all.
constexpr pg::Statement note_controller{
    "hello_ctl",
    "INSERT INTO tapline.controller AS c (name, status, agent_version)"
    " VALUES ($1::text, 'loopback', $2::text)"
    " ON CONFLICT (name) DO UPDATE SET last_seen = now(), agent_version = excluded.agent_version"};

// -> whose journal it is; no row: it is new
constexpr pg::Statement find_journal{
    "hello_journal",
    "SELECT j.controller FROM tapline.journal j WHERE j.journal_id = $1::uuid FOR NO KEY UPDATE"};

// A centre restored from a backup may have forgotten releases that the agent has written down:
// their ids aren't given again.
constexpr pg::Statement note_journal{
    "hello_report",
    "UPDATE tapline.journal SET fingerprint = $2::text, revision = $3::text,"
    " oldest_unacked_revision = $4::text, max_seq = $5::bigint, depth = $6::bigint,"
    " free_bytes = $7::bigint, reported_at = now(),"
    " shape_since = CASE WHEN revision IS NOT DISTINCT FROM $3::text"
    "  AND oldest_unacked_revision IS NOT DISTINCT FROM $4::text THEN shape_since ELSE now() END,"
    " last_release = greatest(last_release, least($8::bigint, 9007199254740992))"
    " WHERE journal_id = $1::uuid"};

constexpr pg::Statement find_cursor{
    "hello_cursor",
    "SELECT c.cursor, c.hash, c.prunable_through,"
    " (SELECT v.version_num FROM tapline.alembic_version v ORDER BY v.version_num LIMIT 1),"
    " tapline.hold_reason(), tapline.release_wait_s(c.journal_id)"
    " FROM tapline.cursor c WHERE c.journal_id = $1::uuid AND c.epoch = $2::bigint"};

wire::Problem unknown_epoch(const wire::Hello& hello) {
    wire::Problem problem;
    problem.status = 409;
    problem.code = "unknown_epoch";
    problem.title = "Central never granted this epoch";
    problem.detail = fmt::format("journal {}, epoch {}", hello.journal_id, hello.epoch);
    problem.action = "fork";
    return problem;
}

std::optional<wire::Problem> check(const std::string& controller, const wire::Hello& hello) {
    const bool named = !controller.empty() && controller.size() <= max_name_bytes &&
                       printable(controller) == controller;
    const bool sane = hello.epoch >= 1 && hello.max_seq >= 0 && hello.acked_through >= 0;
    if (!named || !settle::is_uuid(hello.journal_id) || !sane) {
        return settle::problems::bad_request(
            "bad_hello", "the controller's name, the journal's id, its epoch or a seq isn't valid"
        );
    }
    return std::nullopt;
}

/// The controller's name when the journal belongs to somebody else.
bool is_foreign(pg::Session& session, const std::string& controller, const wire::Hello& hello) {
    const auto known = session.exec(find_journal, hello.journal_id);
    if (!known.empty()) {
        return known[0].text(0) != controller;
    }
    register_journal(session, controller, hello.journal_id, hello.epoch);
    const auto made = session.exec(find_journal, hello.journal_id);
    return made.empty() || made[0].text(0) != controller;
}

void note_report(pg::Session& session, const wire::Hello& hello) {
    session.exec(
        note_journal,
        hello.journal_id,
        printable(hello.fingerprint, max_note_bytes),
        printable(hello.revision, max_note_bytes),
        printable(hello.oldest_unacked_revision, max_note_bytes),
        hello.max_seq,
        hello.depth,
        hello.free_bytes,
        hello.released_through
    );
}

bool forked(const wire::Hello& hello, const wire::HelloReply& reply) {
    const bool same_place = hello.acked_through == reply.cursor;
    return hello.max_seq < reply.cursor || (same_place && hello.acked_hash != reply.hash_at_cursor);
}

HelloOutcome reply_to(pg::Session& session, const wire::Hello& hello) {
    const auto cursor = session.exec(find_cursor, hello.journal_id, hello.epoch);
    if (cursor.empty()) {
        return unknown_epoch(hello);
    }
    const auto row = cursor[0];
    wire::HelloReply reply;
    reply.cursor = row.integer(0);
    const auto hash = row.bytes(1);
    std::copy_n(
        hash.begin(),
        std::min(hash.size(), reply.hash_at_cursor.size()),
        reply.hash_at_cursor.begin()
    );
    reply.prunable_through = row.integer(2);
    reply.central_revision = row.text(3);
    if (const auto reason = row.optional_text(4)) {
        reply.directives.hold = true;
        reply.directives.hold_reason = *reason;
    } else if (const std::int64_t wait_s = row.integer(5); wait_s > 0) {
        // The backlog of a hold comes back in waves; a beginning is asked for when its turn comes.
        reply.directives.hold = true;
        reply.directives.hold_reason =
            fmt::format("the hold is over; your turn is in {} s", wait_s);
        reply.directives.heartbeat_s = std::min(reply.directives.heartbeat_s, wait_s);
    }
    if (forked(hello, reply)) {
        return settle::problems::fork(reply.cursor);
    }
    for (const auto released : session.exec(
             settle::sql::find_released, hello.journal_id, hello.epoch, hello.released_through
         )) {
        reply.released.push_back(
            {released.integer(0), released.integer(1), std::string(released.text(2))}
        );
    }
    const SystemClock clock;
    reply.server_utc_ms = clock.now_utc().time_since_epoch().count();
    return reply;
}

}  // namespace

HelloOutcome hello(pg::Session& session, const std::string& controller, const wire::Hello& hello) {
    if (auto problem = check(controller, hello)) {
        return std::move(*problem);
    }
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    if (!share_contract_lock(session)) {
        return settle::problems::try_later("being_changed", "a contract is being applied");
    }
    session.exec(note_controller, controller, printable(hello.agent_version, max_note_bytes));
    if (is_foreign(session, controller, hello)) {
        note_foreign(session, controller, hello);
        transaction.commit();
        return settle::problems::foreign_journal(hello.journal_id);
    }
    auto refused = check_side(session, controller, hello);
    // What a side says that an operator didn't choose isn't the journal's state.
    if (!refused || refused->code != "epoch_closed") {
        note_report(session, hello);
    }
    auto compatible = judge(session, controller, hello);
    if (compatible.refused) {
        transaction.commit();
        return std::move(*compatible.refused);
    }
    auto outcome = refused ? HelloOutcome(std::move(*refused)) : reply_to(session, hello);
    if (auto* reply = std::get_if<wire::HelloReply>(&outcome)) {
        reply->journal_minimum = std::move(compatible.journal_minimum);
    }
    transaction.commit();
    return outcome;
}

}  // namespace tapline::fleet
