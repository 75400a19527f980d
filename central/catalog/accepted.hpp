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

}  // namespace tapline::catalog
