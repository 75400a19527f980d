// Refusals about who somebody is, each in one place with its stable code (docs/wire.md).
#pragma once

#include <string>

#include "common/wire.hpp"

namespace tapline::fleet::problems {

[[nodiscard]] wire::Problem code_wrong();                      // 403
[[nodiscard]] wire::Problem code_locked();                     // 403
[[nodiscard]] wire::Problem code_expired();                    // 403
[[nodiscard]] wire::Problem code_used();                       // 403
[[nodiscard]] wire::Problem malformed_request();               // 400
[[nodiscard]] wire::Problem revoked(const std::string& name);  // 403
[[nodiscard]] wire::Problem not_same_key();                    // 403
[[nodiscard]] wire::Problem grace_over();                      // 403
[[nodiscard]] wire::Problem pending(const std::string& name);  // 503

/// What a device that waits for an operator is told; also the reason of its hold.
[[nodiscard]] std::string pending_words(const std::string& name);

}  // namespace tapline::fleet::problems
