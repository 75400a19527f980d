#include "central/fleet/enrollment.hpp"

#include <optional>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include "central/fleet/admission.hpp"
#include "central/fleet/code.hpp"
#include "central/fleet/problems.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::fleet {

namespace {

constexpr std::chrono::milliseconds lock_timeout{2'000};
constexpr std::chrono::milliseconds statement_timeout{10'000};

// -> controller, hash, alive, not locked, used_key, pem of the certificate it gave
constexpr pg::Statement find_code{
    "enroll_find",
    "SELECT e.controller, e.code_hash, e.expires_at > now() AND e.cancelled_at IS NULL,"
    " e.attempts < e.max_attempts, e.used_key, k.pem, k.state"
    " FROM tapline.enrollment e LEFT JOIN tapline.certificate k ON k.fingerprint = e.fingerprint"
    " WHERE e.code_id = $1::text FOR UPDATE OF e"};

constexpr pg::Statement count_failure{
    "enroll_fail",
    "UPDATE tapline.enrollment SET attempts = attempts + 1 WHERE code_id = $1::text"};

constexpr pg::Statement add_certificate{
    "enroll_cert",
    "INSERT INTO tapline.certificate"
    " (fingerprint, controller, serial, key_hash, not_after, state, origin, pem) VALUES"
    " ($1::bytea, $2::text, $3::text, $4::bytea, to_timestamp($5::bigint / 1000.0), 'valid',"
    " $6::text, $7::text)"};

// Who enrols a name again puts another device in the old one's place.
constexpr pg::Statement supersede{
    "enroll_super",
    "UPDATE tapline.certificate SET state = 'revoked', revoked_at = now(),"
    " revoked_reason = 'superseded' WHERE controller = $1::text AND key_hash <> $2::bytea"
    " AND state <> 'revoked'"};

constexpr pg::Statement use_code{
    "enroll_use",
    "UPDATE tapline.enrollment SET used_at = now(), used_key = $2::bytea, fingerprint = $3::bytea"
    " WHERE code_id = $1::text"};

constexpr pg::Statement set_enrolled{
    "enroll_ctl",
    "UPDATE tapline.controller SET status = 'enrolled', status_reason = 'enrolled with a code',"
    " status_by = $2::text, status_at = now(), agent_version = $3::text, last_seen = now()"
    " WHERE name = $1::text"};

constexpr pg::Statement note_event{
    "enroll_event",
    "INSERT INTO tapline.controller_event (controller, action, who, detail)"
    " VALUES ($1::text, $2::text, $3::text, $4::text)"};

constexpr pg::Statement find_taps{
    "enroll_taps",
    "SELECT tap_id FROM tapline.controller_tap WHERE controller = $1::text ORDER BY tap_id"
    " LIMIT 500"};

std::string bytea(const RowHash& hash) {
    return "\\x" + to_hex(hash);
}

std::optional<pki::Request> read_request(const std::string& pem) {
    try {
        return pki::Request::from_pem(pem);
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::protocol) {
            throw;
        }
        return std::nullopt;
    }
}

wire::Enrolled answer(
    pg::Session& session, const Issuer& issuer, const std::string& name, std::string pem
) {
    wire::Enrolled enrolled;
    enrolled.name = name;
    enrolled.certificate = std::move(pem);
    enrolled.roots = issuer.roots;
    for (const auto row : session.exec(find_taps, name)) {
        enrolled.taps.push_back(row.integer(0));
    }
    const SystemClock clock;
    enrolled.server_utc_ms = clock.now_utc().time_since_epoch().count();
    return enrolled;
}

pki::Certificate issue(
    pg::Session& session,
    const Issuer& issuer,
    const pki::Request& request,
    const std::string& name,
    const char* origin
) {
    const SystemClock clock;
    auto made =
        trust::issue_client(issuer.authority, request, name, clock.now_utc(), issuer.lifetime);
    const std::int64_t until_ms = made.not_after().time_since_epoch().count();
    session.exec(
        add_certificate,
        bytea(made.fingerprint()),
        name,
        made.serial(),
        bytea(made.public_hash()),
        until_ms,
        origin,
        made.pem()
    );
    return made;
}

/// Failed tries are part of the record, so this commits what the caller has open.
wire::Problem refuse(
    pg::Session& session,
    pg::Transaction& transaction,
    const std::string& code_id,
    const std::string& controller,
    const std::string& from,
    wire::Problem problem
) {
    session.exec(count_failure, code_id);
    session.exec(note_event, controller, "refused", from, problem.code);
    transaction.commit();
    spdlog::warn("enrolling {} from {}: {}", printable(controller), from, problem.code);
    return problem;
}

bool same(const std::string& left, const RowHash& right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), right.size()) == 0;
}

}  // namespace

EnrollOutcome enroll(
    pg::Session& session,
    const Issuer& issuer,
    const wire::EnrollRequest& request,
    const std::string& from
) {
    const auto csr = read_request(request.csr);
    if (!csr) {
        return problems::malformed_request();
    }
    const std::string id = code_id(request.code);
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    const auto found = session.exec(find_code, id);
    if (found.empty()) {
        spdlog::warn("enrolling from {}: code_wrong", from);
        return problems::code_wrong();
    }
    const auto row = found[0];
    const std::string name(row.text(0));
    const auto no = [&](wire::Problem problem) {
        return refuse(session, transaction, id, name, from, std::move(problem));
    };
    if (!row.boolean(3)) {
        // Not written down any more: who goes on trying must not fill the table.
        spdlog::warn("enrolling {} from {}: code_locked", printable(name), from);
        return problems::code_locked();
    }
    if (!same(row.bytes(1), code_hash(request.code))) {
        return no(problems::code_wrong());
    }
    if (!row.boolean(2)) {
        return no(problems::code_expired());
    }
    const RowHash key = csr->public_hash();
    if (!row.is_null(4)) {
        const bool repeated = same(row.bytes(4), key) && row.text(6) == "valid";
        if (!repeated) {
            return no(problems::code_used());
        }
        session.exec(note_event, name, "repeated", from, "");
        auto enrolled = answer(session, issuer, name, std::string(row.text(5)));
        transaction.commit();
        return enrolled;
    }
    const auto made = issue(session, issuer, *csr, name, "enrolled");
    session.exec(supersede, name, bytea(key));
    session.exec(use_code, id, bytea(key), bytea(made.fingerprint()));
    session.exec(set_enrolled, name, from, printable(request.agent_version, 200));
    session.exec(note_event, name, "enrolled", from, "certificate " + made.serial());
    auto enrolled = answer(session, issuer, name, made.pem());
    transaction.commit();
    spdlog::info("enrolled {} from {}: certificate {}", name, from, made.serial());
    return enrolled;
}

EnrollOutcome renew(
    pg::Session& session,
    const Issuer& issuer,
    const Caller& caller,
    const wire::RenewRequest& request
) {
    const auto csr = read_request(request.csr);
    if (!csr) {
        return problems::malformed_request();
    }
    if (csr->public_hash() != caller.key_hash) {
        return problems::not_same_key();
    }
    const SystemClock clock;
    if (clock.now_utc() > caller.not_after + issuer.grace) {
        return problems::grace_over();
    }
    switch (admit(session, caller)) {
        case Standing::revoked:
            return problems::revoked(caller.name);
        case Standing::pending:
            return problems::pending(caller.name);
        case Standing::enrolled:
            break;
    }
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    const auto made = issue(session, issuer, *csr, caller.name, "renewed");
    session.exec(note_event, caller.name, "renewed", "device", "certificate " + made.serial());
    auto enrolled = answer(session, issuer, caller.name, made.pem());
    transaction.commit();
    return enrolled;
}

}  // namespace tapline::fleet
