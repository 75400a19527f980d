#include "central/fleet/admission.hpp"

#include <chrono>
#include <string>

#include "common/error.hpp"

namespace tapline::fleet {

namespace {

constexpr std::chrono::milliseconds lock_timeout{1'000};
constexpr std::chrono::milliseconds statement_timeout{10'000};

// -> state of the certificate, status of the controller, whether the certificate is its own
constexpr pg::Statement find_standing{
    "admit_find",
    "SELECT k.state, c.status, k.controller = $2::text FROM tapline.certificate k"
    " JOIN tapline.controller c ON c.name = k.controller WHERE k.fingerprint = $1::bytea"};

constexpr pg::Statement add_controller{
    "admit_ctl",
    "INSERT INTO tapline.controller (name, status, status_reason, status_by, status_at)"
    " VALUES ($1::text, 'pending', 'came with a certificate of ours, unknown here', 'central', "
    "now())"
    " ON CONFLICT (name) DO NOTHING"};

// A renewal that the backup lacks has the key of a certificate that is known; a revoked one of
// that key is a no for all of them.
constexpr pg::Statement add_certificate{
    "admit_cert",
    "INSERT INTO tapline.certificate"
    " (fingerprint, controller, serial, key_hash, not_after, state, origin)"
    " SELECT $1::bytea, $2::text, $3::text, $4::bytea, to_timestamp($5::bigint / 1000.0),"
    " CASE WHEN bool_or(k.state = 'revoked') THEN 'revoked'"
    " WHEN bool_or(k.state = 'valid') THEN 'valid' ELSE 'pending' END, 'seen'"
    " FROM tapline.certificate k WHERE k.controller = $2::text AND k.key_hash = $4::bytea"
    " ON CONFLICT (fingerprint) DO NOTHING"};

constexpr pg::Statement note_seen{
    "admit_event",
    "INSERT INTO tapline.controller_event (controller, action, who, detail)"
    " VALUES ($1::text, 'seen', 'central', $2::text)"};

Standing standing_of(const pg::Row& row) {
    const auto state = row.text(0);
    const auto status = row.text(1);
    if (state == "revoked" || status == "revoked" || !row.boolean(2)) {
        return Standing::revoked;
    }
    // One that was written off may still bring what it has; settling keeps it in quarantine.
    const bool heard = status == "enrolled" || status == "retired";
    return state == "valid" && heard ? Standing::enrolled : Standing::pending;
}

}  // namespace

Standing admit(pg::Session& session, const Caller& caller) {
    const std::string fingerprint = "\\x" + to_hex(caller.fingerprint);
    const auto known = session.exec(find_standing, fingerprint, caller.name);
    if (!known.empty()) {
        return standing_of(known[0]);
    }
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_timeout, statement_timeout);
    const std::int64_t until_ms = caller.not_after.time_since_epoch().count();
    session.exec(add_controller, caller.name);
    session.exec(
        add_certificate,
        fingerprint,
        caller.name,
        caller.serial,
        "\\x" + to_hex(caller.key_hash),
        until_ms
    );
    session.exec(note_seen, caller.name, "certificate " + caller.serial);
    const auto made = session.exec(find_standing, fingerprint, caller.name);
    TAPLINE_CHECK(!made.empty());
    const Standing standing = standing_of(made[0]);
    transaction.commit();
    return standing;
}

}  // namespace tapline::fleet
