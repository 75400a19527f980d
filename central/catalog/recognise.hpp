// Which revision a live schema is: compared with what every revision of the lineage makes, whatever
// the version table says.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "central/catalog/compare.hpp"
#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::catalog {

/// Made by the engine itself before any revision (Ledger::bootstrap), so that it says nothing about
/// which revision the schema is.
[[nodiscard]] bool is_bookkeeping(const Finding& finding);

/// A version table or a part of it: a bar made its own by hand, and it says nothing about the
/// schema.
[[nodiscard]] bool is_version_table(const Finding& finding);

/// Schema public differs in nothing but that PUBLIC may create in it, as before PostgreSQL 15:
/// `grants` takes that away, so nobody has to accept it.
[[nodiscard]] bool is_public_create(const Finding& finding);

/// What every new database has of those that `live` has.
[[nodiscard]] Catalog nothing_made(const Catalog& live);

struct Likeness {
    std::vector<std::string> heads;  ///< empty: before the first revision
    std::vector<Finding> findings;   ///< without bookkeeping, comments and what was accepted
    std::size_t comments = 0;        ///< that differ
    bool public_creates = false;     ///< see is_public_create; not among the findings
    std::size_t distance = 0;        ///< see compare.hpp; what was accepted counts here

    [[nodiscard]] bool equal() const noexcept { return findings.empty(); }
};

struct LikenessOptions {
    pg::ConnectOptions connect;
    std::optional<std::filesystem::path> directory;  ///< as CheckOptions::directory
    AcceptedDifferences accepted;
    /// The version rows: a state of their own when they are several that the files know.
    std::vector<std::string> rows;
};

/// One per state that the lineage knows: before the first revision, at each revision alone, at all
/// heads where there are several, and at the version rows. In the order of the files. Where there
/// is no snapshot, or it is of another server major, the revisions are run in a scratch database on
/// the same server, once each where they are one line. live: the lineage's part. Changes nothing in
/// the live database. set: both lineages. Throws as build_expected.
[[nodiscard]] std::vector<Likeness> likenesses(
    const revision::LineageSet& set,
    std::size_t index,
    const Catalog& live,
    const LikenessOptions& options
);

}  // namespace tapline::catalog
