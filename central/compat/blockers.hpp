// Who still writes, or still keeps, pours of a shape that a contract would break: by the last hello
// of every controller that may send.
//
// Counted are controllers that are enrolled, and those on the loopback or waiting for approval
// whose journals hold pours. Revoked and retired ones don't count. One that is enrolled and never
// said hello blocks: nobody knows what it writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::compat {

enum class Reason {
    never_seen,  ///< enrolled, and hasn't said hello
    writes_old,  ///< its journal is below what is required, so its next pour will be
    holds_old,   ///< raised already, with un-acked pours from before
    unknown,     ///< its journal is at a revision that this database doesn't know
};

[[nodiscard]] const char* to_string(Reason reason) noexcept;

/// One journal, or a controller without any.
struct Blocker {
    std::string controller;
    std::string status;
    std::string agent_version;
    std::optional<std::string> last_seen;  ///< ISO 8601, UTC
    std::string journal_id;
    std::string revision;        ///< of the journal now
    std::string oldest_unacked;  ///< revision of its oldest un-acked pour
    std::int64_t rows = 0;       ///< un-acked ones, as far as central knows
    std::string since;           ///< it reports these two, or was enrolled, since then
    Reason reason = Reason::unknown;
};

/// "writes j0001, 12 pours wait".
[[nodiscard]] std::string why(const Blocker& blocker);

/// required: a revision of tapline.journal_revision. Reads only; the answer holds for as long as
/// the caller has the lock of lock.hpp.
[[nodiscard]] std::vector<Blocker> blockers(pg::Session& session, const std::string& required);

}  // namespace tapline::compat
