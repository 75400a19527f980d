// Parity before stamp: a version row is a claim about the schema, so the schema is looked at first.
#pragma once

#include <string>
#include <vector>

#include "central/catalog/accepted.hpp"
#include "central/draft/draft.hpp"
#include "central/revision/plan_set.hpp"

namespace tapline::cli {

struct Parity {
    std::vector<catalog::Finding> blocking;
    std::vector<catalog::Finding> comments;     ///< told, and no obstacle
    std::vector<catalog::Acceptance> accepted;  ///< by this call, to be stored with the stamp
    bool public_creates = false;                ///< told; `grants` takes it away
    std::vector<draft::Item> reconcile;         ///< what would take the blocking ones away
};

/// Compares the live catalog with what the revisions make that the stamp would claim; a stamp of
/// base claims that nothing of the lineage is there. accept:
/// "OBJECT=REASON", as --accept gives them. The tables that the stamp itself makes don't count.
/// Throws Error{usage, "accept"} for one that isn't of that form, has no reason (or the word WHY of
/// a printed command), or names an object that doesn't differ; else as check_database.
[[nodiscard]] Parity compare_before_stamp(
    const revision::LineageSet& set,
    const std::vector<revision::StampPart>& parts,
    const pg::ConnectOptions& connect,
    const std::string& directory,
    const std::vector<std::string>& accept
);

}  // namespace tapline::cli
