// The fleet's own certificate authority: what it signs, and nothing else. Pure but for random
// numbers; the caller says what time it is. Subject names and extensions: RFC 5280, section 4.2.
#pragma once

#include <string>
#include <vector>

#include "common/pki.hpp"

namespace tapline::trust {

struct Authority {
    pki::Key key;
    pki::Certificate root;
};

/// A device's clock may be a little behind central's: every certificate begins this much earlier.
inline constexpr std::chrono::minutes backdated{5};
inline constexpr std::chrono::hours root_lifetime{20 * 365 * 24};
inline constexpr std::chrono::hours server_lifetime{825 * 24};

/// A root certificate for `key`, which signs no further authorities.
[[nodiscard]] Authority make_authority(pki::Key key, UtcTime now);

/// Names: host names (`*.` in front is allowed) or IP addresses, 1 to 32 of them.
/// Error{usage, "bad_name"}.
[[nodiscard]] pki::Certificate issue_server(
    const Authority& authority,
    const pki::Key& key,
    const std::vector<std::string>& names,
    UtcTime now
);

/// For the device `name`, whose key made the request. Ends no later than the root does.
[[nodiscard]] pki::Certificate issue_client(
    const Authority& authority,
    const pki::Request& request,
    const std::string& name,
    UtcTime now,
    std::chrono::seconds lifetime
);

}  // namespace tapline::trust
