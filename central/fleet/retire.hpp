// Writing a controller off: no contract waits for it any more, and what it still sends is kept.
#pragma once

#include <string>

#include "central/pg/session.hpp"

namespace tapline::fleet {

/// Its certificates go on working, open codes are cancelled; its late pours go into quarantine as
/// `retired_controller` and are acked. For good: its name can't be enrolled again.
/// Error{usage, "unknown_controller"}; Error{refused, "revoked" | "retired"}.
void retire(
    pg::Session& session, const std::string& name, const std::string& reason, const std::string& who
);

/// One journal of a controller whose card was replaced: no contract waits for it any more, unless
/// it says hello again. Its pours are taken as ever. Error{usage, "unknown_journal"}.
void retire_journal(
    pg::Session& session,
    const std::string& name,
    const std::string& journal_id,
    const std::string& reason,
    const std::string& who
);

}  // namespace tapline::fleet
