// What a database has to look like at given heads: from snapshots, or from running the revisions.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "central/catalog/compare.hpp"
#include "central/catalog/snapshot_file.hpp"
#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::catalog {

/// Runs the revisions up to `heads` (in the order of the set) in a scratch database on that server,
/// and reads what they made. Throws as Runner, ScratchDatabase and read_catalog.
[[nodiscard]] Catalog build_expected(
    const revision::LineageSet& set,
    const revision::AppliedHeads& heads,
    const pg::ConnectOptions& server
);

/// One per lineage of the set that has heads: what `snapshot` writes.
[[nodiscard]] std::vector<Snapshot> make_snapshots(
    const revision::LineageSet& set, const pg::ConnectOptions& server
);

struct CheckOptions {
    pg::ConnectOptions connect;
    /// As LineageOptions::directory: where the snapshots are looked for.
    std::optional<std::filesystem::path> directory;
    std::optional<revision::LineageName> only;
    AcceptedDifferences accepted;
    /// Instead of the database's version rows: what a stamp would write.
    std::optional<revision::AppliedHeads> heads;
    /// Shown both sides of each lineage that is compared, before its findings; may be empty.
    std::function<void(const Catalog& expected, const Catalog& live)> look{};
    /// Told each accepted difference that is let stand; may be empty.
    std::function<void(const Finding&)> stands{};
};

/// The live database against the snapshots of the revisions that it stands at; where there is none,
/// or it was made on another server major, against a scratch database on the same server. A lineage
/// that isn't applied at all isn't compared, and version tables never are. Changes nothing.
/// set: all lineages, also with `only`: revisions of one may depend on the other's.
/// Throws Error{refused, "no_revision"} when none that is compared is at any revision,
/// Error{refused, "unknown_revision"} when one that is compared is at an id that no file has; else
/// as build_expected.
[[nodiscard]] std::vector<Finding> check_database(
    const revision::LineageSet& set, const CheckOptions& options
);

/// What a stamp of base denies: objects of the live database that this lineage's revisions make, by
/// the files of the set or the built-in ones. Somebody else's tables aren't among them. Throws as
/// build_expected.
[[nodiscard]] std::vector<Finding> left_behind(
    const revision::LineageSet& set, std::size_t index, const CheckOptions& options
);

}  // namespace tapline::catalog
