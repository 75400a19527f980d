// The fleet as a table: each controller with each of its journals, by its last hello.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::fleet {

struct FleetLine {
    std::string controller;
    std::string status;
    std::string agent_version;
    std::optional<std::string> last_seen;  ///< ISO 8601, UTC; absent: never said hello
    std::string journal_id;                ///< empty: none yet
    std::string revision;
    std::string oldest_unacked;
    std::int64_t depth = 0;
    std::int64_t free_bytes = 0;
};

[[nodiscard]] std::vector<FleetLine> overview(pg::Session& session);

struct JournalTerms {
    std::vector<std::string> known;  ///< journal revisions that central settles, oldest first
    std::string minimum;             ///< what contracts have fixed; empty: nothing
    std::string contract;            ///< the one that fixed it
};

[[nodiscard]] JournalTerms journal_terms(pg::Session& session);

}  // namespace tapline::fleet
