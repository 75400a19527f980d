// Refusals about who somebody is, each in one place with its stable code (docs/wire.md).
#pragma once

#include <chrono>
#include <string>

#include "common/wire.hpp"

namespace tapline::fleet::problems {

[[nodiscard]] wire::Problem code_wrong();                      // 403
[[nodiscard]] wire::Problem code_locked();                     // 403
[[nodiscard]] wire::Problem code_expired();                    // 403
[[nodiscard]] wire::Problem code_used();                       // 403
[[nodiscard]] wire::Problem malformed_request();               // 400
[[nodiscard]] wire::Problem malformed_epoch_request();         // 400
[[nodiscard]] wire::Problem revoked(const std::string& name);  // 403
[[nodiscard]] wire::Problem not_same_key();                    // 403
[[nodiscard]] wire::Problem grace_over();                      // 403
[[nodiscard]] wire::Problem pending(const std::string& name);  // 503

/// 409 wait: another device showed this journal so lately that it may still be there.
[[nodiscard]] wire::Problem another_alive(
    const std::string& journal_id, std::chrono::seconds until
);
/// 409 wait: an operator decided for another side of a fork.
[[nodiscard]] wire::Problem not_chosen(const std::string& journal_id);
/// 409 wait: it forks over and over again.
[[nodiscard]] wire::Problem too_many_epochs(const std::string& journal_id);

/// What a device that waits for an operator is told; also the reason of its hold.
[[nodiscard]] std::string pending_words(const std::string& name);

}  // namespace tapline::fleet::problems
