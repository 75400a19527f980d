// A device gets its certificate: with a code the first time, with the one it has from then on.
#pragma once

#include <string>
#include <variant>

#include "central/fleet/caller.hpp"
#include "central/pg/session.hpp"
#include "central/trust/authority.hpp"
#include "common/wire.hpp"

namespace tapline::fleet {

/// How certificates are issued; made once, read by every thread.
struct Issuer {
    trust::Authority authority;
    std::string roots;  ///< PEM; what a device shall believe
    std::chrono::seconds lifetime{180 * 86'400};
    /// How long an ended certificate may still ask for the next one.
    std::chrono::seconds grace{365 * 86'400};
};

using EnrollOutcome = std::variant<wire::Enrolled, wire::Problem>;

/// Blocks: one short transaction. The same key with the same code gives the same certificate as
/// long as the code is valid: the answer may have been lost. A Problem is one of
/// problems::code_wrong, code_locked, code_expired, code_used (403) or malformed_request (400).
/// from: the address, for the record. Throws Error{pg | unreachable}.
[[nodiscard]] EnrollOutcome enroll(
    pg::Session& session,
    const Issuer& issuer,
    const wire::EnrollRequest& request,
    const std::string& from
);

/// The next certificate for the same key. A Problem: revoked, not_same_key, grace_over (403),
/// pending (503), malformed_request (400). Throws as enroll.
[[nodiscard]] EnrollOutcome renew(
    pg::Session& session,
    const Issuer& issuer,
    const Caller& caller,
    const wire::RenewRequest& request
);

}  // namespace tapline::fleet
