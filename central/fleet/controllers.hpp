// The operator's side of the fleet's identities: who is let in, what for, and who is shut out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::fleet {

inline constexpr int max_code_attempts = 5;
inline constexpr std::size_t max_taps = 500;

struct Invitation {
    std::string code;  ///< shown once, kept nowhere
    std::string expires_at;
};

/// Makes the controller if it is new and gives it a code; codes not used yet are cancelled.
/// Error{usage, "bad_controller_name" | "too_many_taps"}; Error{refused, "retired"}.
[[nodiscard]] Invitation invite(
    pg::Session& session,
    const std::string& name,
    const std::vector<std::int64_t>& taps,
    std::chrono::seconds lifetime,
    const std::string& who
);

struct ListedController {
    std::string name;
    std::string status;
    std::string reason;
    std::string by;
    std::string agent_version;
    std::optional<std::string> last_seen;  ///< absent: invited, and never came
    std::vector<std::int64_t> taps;
    std::optional<std::string> certificate_until;  ///< of the newest one that is valid
    std::int64_t pending_certificates = 0;
    std::optional<std::string> code_until;  ///< a code that can still be used
};

[[nodiscard]] std::vector<ListedController> list_controllers(pg::Session& session);

/// From the next request on (5 s at most) the controller's certificates are refused; open codes are
/// cancelled. Its journals and cursors stay. False: it was shut out already; who did that and why
/// stays on record. A retired one stays retired, and its certificates are refused.
/// Error{usage, "unknown_controller"}.
bool revoke(
    pg::Session& session, const std::string& name, const std::string& reason, const std::string& who
);

/// A device that came with a certificate of ours and wasn't known is known from now on.
/// Error{usage, "unknown_controller"}; Error{refused, "nothing_pending"}.
void approve(pg::Session& session, const std::string& name, const std::string& who);

/// Replaces the list; an empty one means every tap. Error{usage, "unknown_controller"}.
void set_taps(
    pg::Session& session,
    const std::string& name,
    const std::vector<std::int64_t>& taps,
    const std::string& who
);

}  // namespace tapline::fleet
