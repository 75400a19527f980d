// Where revision files come from. read_directory is the only I/O of this room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "common/revision/embedded.hpp"
#include "common/revision/file.hpp"
#include "common/revision/lineage.hpp"

namespace tapline::revision {

inline constexpr std::size_t max_files = 10'000;

/// Every *.sql of the directory itself, by name; sub-directories and hidden files are left alone.
/// Throws Error{usage, "revision_directory"} when it can't be read, a file is larger than
/// max_file_bytes, or there are more than max_files.
[[nodiscard]] std::vector<SourceFile> read_directory(const std::filesystem::path& directory);

/// The same for the set compiled into the program.
[[nodiscard]] std::vector<SourceFile> from_embedded(std::span<const EmbeddedFile> files);

/// Parses each file and builds the graph. elsewhere: see Lineage.
[[nodiscard]] Lineage load(
    const std::vector<SourceFile>& files, Dialect dialect, const IdSet& elsewhere = {}
);

}  // namespace tapline::revision
