// Differences that a maintainer has looked at and lets stand: kept in the database, with who and
// why, in tapline.accepted_difference.
#pragma once

#include <string>
#include <vector>

#include "central/catalog/compare.hpp"
#include "central/pg/session.hpp"

namespace tapline::catalog {

/// Empty without the table. Throws as pg::Session.
[[nodiscard]] AcceptedDifferences read_accepted(pg::Session& session);

struct Acceptance {
    Finding finding;
    std::string reason;
};

/// The table is there once the ledger was (Ledger::bootstrap). who: a person, for the record.
void write_accepted(
    pg::Session& session, const std::vector<Acceptance>& accepted, const std::string& who
);

struct Kept {
    std::string object;
    std::string reason;
    std::string who;
    std::string accepted_at;  ///< ISO 8601, UTC
};

/// Those that count, by object. Empty without the table.
[[nodiscard]] std::vector<Kept> list_accepted(pg::Session& session);

/// The differences of that object count again; the rows stay, with who took them back and why.
/// Returns how many there were.
[[nodiscard]] std::size_t withdraw_accepted(
    pg::Session& session, const std::string& object, const std::string& who, const std::string& why
);

}  // namespace tapline::catalog
