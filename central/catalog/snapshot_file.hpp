// The catalog as it must be at a revision, as a file for reviews: one object a line, in the order
// of names.
//
//   {
//   "format": 1,
//   "lineage": "app",
//   "heads": ["0001_m1_baseline"],
//   "server_major": 15,
//   "objects": {
//   "index ix_pours_keg_id": {"of":"table pours","definition":"CREATE INDEX …"},
//   …
//   }
//   }
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "central/catalog/catalog.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::catalog {

/// Another number is another meaning of the attributes; such a file is refused.
inline constexpr int snapshot_format = 1;
inline constexpr std::size_t max_snapshot_bytes = 64U << 20U;

struct Snapshot {
    std::string lineage;
    std::vector<std::string> heads;
    Catalog catalog;
};

[[nodiscard]] std::string snapshot_text(const Snapshot& snapshot);

/// source: for messages. Throws Error{usage, "snapshot"} for anything that isn't one.
[[nodiscard]] Snapshot parse_snapshot(std::string_view text, const std::string& source);

/// "0001_m1_baseline.json"; several heads are joined by +.
[[nodiscard]] std::string snapshot_file_name(const std::vector<std::string>& heads);

/// Below `directory`, as --dir names it: <lineage>/snapshots, or snapshots of a directory that is
/// one lineage.
[[nodiscard]] std::filesystem::path snapshot_directory(
    const std::filesystem::path& directory, revision::LineageName lineage
);

/// From the directory where that has the lineage, else from the embedded set. nullopt: there is
/// none for these heads. Throws Error{usage, "snapshot"} for a file that can't be read.
[[nodiscard]] std::optional<Snapshot> find_snapshot(
    const std::optional<std::filesystem::path>& directory,
    revision::LineageName lineage,
    const std::vector<std::string>& heads
);

/// Whole or not at all: written beside it, synced, renamed. Throws Error{storage,
/// "snapshot_write"}.
void write_snapshot(const std::filesystem::path& file, const Snapshot& snapshot);

}  // namespace tapline::catalog
