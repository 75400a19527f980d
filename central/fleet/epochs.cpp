#include "central/fleet/epochs.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "central/fleet/problems.hpp"
#include "central/fleet/sides.hpp"
#include "central/settle/prepare.hpp"
#include "central/settle/problems.hpp"
#include "central/settle/rows.hpp"
#include "common/log.hpp"
#include "common/test_hook.hpp"

namespace tapline::fleet {

namespace {

constexpr std::chrono::milliseconds lock_timeout{1'000};
constexpr std::chrono::milliseconds statement_timeout{10'000};
constexpr std::int64_t highest_epoch = std::int64_t{1} << 40;

// The grant and what it rests on must survive the server's death: the device acts on the answer.
constexpr std::string_view durable_sql = "SET LOCAL synchronous_commit = on";

constexpr pg::Statement find_journal{
    "epoch_journal",
    "SELECT j.controller, j.contested_at IS NOT NULL FROM tapline.journal j"
    " WHERE j.journal_id = $1::uuid FOR NO KEY UPDATE"};

constexpr pg::Statement find_epoch{
    "epoch_closed",
    "SELECT c.closed_at IS NOT NULL FROM tapline.cursor c"
    " WHERE c.journal_id = $1::uuid AND c.epoch = $2::bigint"};

// A grant that nobody has used: not even a hello was said in it.
constexpr pg::Statement find_open_grant{
    "epoch_untaken",
    "SELECT g.epoch, g.start_seq, g.start_hash, c.prunable_through FROM tapline.epoch_grant g"
    " JOIN tapline.cursor c ON c.journal_id = g.journal_id AND c.epoch = g.epoch"
    " WHERE g.journal_id = $1::uuid AND g.from_epoch = $2::bigint AND g.fingerprint = $3::text"
    " AND g.controller = $4::text AND g.taken_at IS NULL AND c.closed_at IS NULL"
    " AND c.cursor = c.start_seq ORDER BY g.epoch DESC LIMIT 1"};

// The highest of the asker's places that some epoch of this journal has settled: a cursor, the
// beginning of an epoch, a receipt, a row that waits or waited in quarantine.
constexpr pg::Statement find_common{
    "epoch_common",
    "SELECT i.seq, i.hash, k.epoch, least(k.prunable_through, i.seq)"
    " FROM unnest($2::bigint[], $3::bytea[]) AS i(seq, hash)"
    " JOIN LATERAL (SELECT c.epoch, c.prunable_through FROM tapline.cursor c"
    "  WHERE c.journal_id = $1::uuid AND c.cursor >= i.seq AND ("
    "   (c.cursor = i.seq AND c.hash = i.hash)"
    "   OR EXISTS (SELECT FROM tapline.epoch_grant g WHERE g.journal_id = c.journal_id"
    "    AND g.epoch = c.epoch AND g.start_seq = i.seq AND g.start_hash = i.hash)"
    "   OR EXISTS (SELECT FROM tapline.receipt r WHERE r.journal_id = c.journal_id"
    "    AND r.epoch = c.epoch AND r.seq = i.seq AND r.row_hash = i.hash)"
    "   OR EXISTS (SELECT FROM tapline.quarantine q WHERE q.journal_id = c.journal_id"
    "    AND q.row_hash = i.hash AND q.epoch = c.epoch AND q.seq = i.seq)"
    "   OR EXISTS (SELECT FROM tapline.quarantine_decision d WHERE d.journal_id = c.journal_id"
    "    AND d.row_hash = i.hash AND d.epoch = c.epoch AND d.seq = i.seq))"
    "  ORDER BY c.prunable_through DESC, c.epoch LIMIT 1) k ON true"
    " ORDER BY i.seq DESC LIMIT 1"};

constexpr pg::Statement count_recent{
    "epoch_recent",
    "SELECT count(*) FROM tapline.epoch_grant g WHERE g.journal_id = $1::uuid"
    " AND g.granted_by = 'policy' AND g.granted_at > clock_timestamp() - interval '1 hour'"};

constexpr pg::Statement find_next{
    "epoch_next",
    "SELECT greatest(coalesce(max(c.epoch), 0), $2::bigint) + 1 FROM tapline.cursor c"
    " WHERE c.journal_id = $1::uuid"};

constexpr pg::Statement add_cursor{
    "epoch_cursor",
    "INSERT INTO tapline.cursor (journal_id, epoch, cursor, hash, start_seq, prunable_through)"
    " VALUES ($1::uuid, $2::bigint, $3::bigint, $4::bytea, $3::bigint, $5::bigint)"};

constexpr pg::Statement add_grant{
    "epoch_grant",
    "INSERT INTO tapline.epoch_grant (journal_id, epoch, from_epoch, parent_epoch, start_seq,"
    " start_hash, reason, controller, fingerprint, boot_id, granted_by)"
    " VALUES ($1::uuid, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bytea, $7::text,"
    " $8::text, $9::text, $10::text, coalesce((SELECT s.verdict_by FROM tapline.journal_side s"
    "  WHERE $11::boolean AND s.journal_id = $1::uuid AND s.controller = $8::text"
    "  AND s.fingerprint = $9::text AND s.verdict = 'chosen'"
    "  ORDER BY s.verdict_at DESC LIMIT 1),"
    " CASE WHEN $11::boolean THEN 'operator' ELSE 'policy' END))"};

constexpr pg::Statement note_event{
    "epoch_event",
    "INSERT INTO tapline.controller_event (controller, action, who, detail)"
    " VALUES ($1::text, 'epoch', 'central', $2::text)"};

std::optional<wire::Problem> check(
    const std::string& journal_id, const wire::EpochRequest& request
) {
    const bool known =
        request.reason == "fork" || request.reason == "restored" || request.reason == "salvage";
    if (!settle::is_uuid(journal_id) || !known) {
        return problems::malformed_epoch_request();
    }
    return std::nullopt;
}

std::string bytea(const RowHash& hash) {
    return "\\x" + to_hex(hash);
}

RowHash hash_of(const pg::Row& row, int column) {
    RowHash hash{};
    const auto bytes = row.bytes(column);
    std::copy_n(bytes.begin(), std::min(bytes.size(), hash.size()), hash.begin());
    return hash;
}

std::vector<wire::ChainPoint> points_of(const wire::EpochRequest& request) {
    auto points = request.points;
    points.push_back({request.last_common_seq, request.hash});
    return points;
}

std::optional<wire::EpochGrant> granted_before(
    pg::Session& session,
    const std::string& controller,
    const std::string& journal_id,
    const wire::EpochRequest& request
) {
    const auto found = session.exec(
        find_open_grant, journal_id, request.epoch, printable(request.fingerprint, 200), controller
    );
    if (found.empty()) {
        return std::nullopt;
    }
    wire::EpochGrant grant;
    grant.epoch = found[0].integer(0);
    grant.cursor = found[0].integer(1);
    grant.hash = hash_of(found[0], 2);
    grant.prunable_through = found[0].integer(3);
    const auto points = points_of(request);
    const wire::ChainPoint start{grant.cursor, grant.hash};
    const bool own =
        grant.cursor == 0 || std::find(points.begin(), points.end(), start) != points.end();
    return own ? std::optional(grant) : std::nullopt;
}

struct Start {
    wire::EpochGrant grant;
    std::int64_t parent_epoch = 0;
};

/// Too low does no harm: a row that comes again is known by its hash.
Start find_start(
    pg::Session& session, const std::string& journal_id, const wire::EpochRequest& request
) {
    pg::ArrayBuilder seqs;
    pg::ArrayBuilder hashes;
    for (const auto& point : points_of(request)) {
        seqs.integer(point.seq);
        hashes.bytes(settle::hash_bytes(point.hash));
    }
    Start start;
    for (const auto row : session.exec(find_common, journal_id, seqs, hashes)) {
        start.grant.cursor = row.integer(0);
        start.grant.hash = hash_of(row, 1);
        start.parent_epoch = row.integer(2);
        start.grant.prunable_through = row.integer(3);
    }
    return start;
}

wire::EpochGrant grant_new(
    pg::Session& session,
    const std::string& controller,
    const std::string& journal_id,
    const wire::EpochRequest& request,
    bool by_operator
) {
    auto start = find_start(session, journal_id, request);
    auto& grant = start.grant;
    const std::int64_t asked = std::min(request.epoch, highest_epoch);
    grant.epoch = session.exec(find_next, journal_id, asked)[0].integer(0);
    const std::string hash = bytea(grant.hash);
    session.exec(add_cursor, journal_id, grant.epoch, grant.cursor, hash, grant.prunable_through);
    session.exec(
        add_grant,
        journal_id,
        grant.epoch,
        request.epoch,
        start.parent_epoch,
        grant.cursor,
        hash,
        request.reason,
        controller,
        printable(request.fingerprint, 200),
        printable(request.clock.boot_id, 200),
        by_operator
    );
    session.exec(
        note_event,
        controller,
        fmt::format(
            "journal {}: epoch {} -> {} from pour {} ({}); the journal ends at {}",
            journal_id,
            request.epoch,
            grant.epoch,
            grant.cursor,
            request.reason,
            request.max_seq
        )
    );
    return grant;
}

Sighting sighting_of(
    const std::string& controller, const std::string& journal_id, const wire::EpochRequest& request
) {
    Sighting sighting;
    sighting.controller = controller;
    sighting.journal_id = journal_id;
    sighting.epoch = request.epoch;
    sighting.fingerprint = request.fingerprint;
    sighting.boot_id = request.clock.boot_id;
    sighting.acked = request.last_common_seq;
    sighting.max_seq = request.max_seq;
    sighting.depth = request.depth;
    return sighting;
}

/// Whether the asker may go on now; nullopt: it may. decided: an operator closed its epoch.
std::optional<wire::Problem> objection(
    pg::Session& session,
    const std::string& journal_id,
    bool decided,
    const Sides& sides,
    bool contested
) {
    if (decided) {
        return sides.verdict == "chosen" ? std::nullopt
                                         : std::optional(problems::not_chosen(journal_id));
    }
    switch (update_contest(session, journal_id, sides, contested)) {
        case Liveness::two_alive:
            return settle::problems::two_alive(journal_id);
        case Liveness::another: {
            const auto wait = until_alone(sides.others, sides.window);
            return problems::another_alive(
                journal_id, std::chrono::ceil<std::chrono::seconds>(wait)
            );
        }
        case Liveness::alone:
            break;
    }
    if (session.exec(count_recent, journal_id)[0].integer(0) >= max_grants_per_hour) {
        return problems::too_many_epochs(journal_id);
    }
    return std::nullopt;
}

}  // namespace

EpochOutcome ask_epoch(
    pg::Session& session,
    const std::string& controller,
    const std::string& journal_id,
    const wire::EpochRequest& request
) {
    if (auto problem = check(journal_id, request)) {
        return std::move(*problem);
    }
    pg::Transaction transaction(session, durable_sql);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    const auto journal = session.exec(find_journal, journal_id);
    if (journal.empty()) {
        return settle::problems::unknown_journal(journal_id);
    }
    if (journal[0].text(0) != controller) {
        return settle::problems::foreign_journal(journal_id);
    }
    const auto sides = note_side(session, sighting_of(controller, journal_id, request));
    // Hardware that can't be told from a refused one's must not get the other's grant.
    if (sides.verdict != "refused") {
        if (auto grant = granted_before(session, controller, journal_id, request)) {
            transaction.commit();
            return *grant;
        }
    }
    const auto closed = session.exec(find_epoch, journal_id, request.epoch);
    const bool decided = !closed.empty() && closed[0].boolean(0);
    const bool contested = journal[0].boolean(1);
    if (auto refused = objection(session, journal_id, decided, sides, contested)) {
        transaction.commit();
        return std::move(*refused);
    }
    const bool by_operator = decided || sides.self.by_operator;
    const auto grant = grant_new(session, controller, journal_id, request, by_operator);
    test_stop_at("epoch.commit");
    transaction.commit();
    test_stop_at("epoch.committed");
    return grant;
}

}  // namespace tapline::fleet
