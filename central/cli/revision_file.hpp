// New files beside existing ones, never over them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tapline::cli {

/// Writes directory/name so that a crash leaves the whole file or none: a temporary file, fsync,
/// rename. Throws Error{usage, "file_exists"} when the name is taken, Error{storage, "file_write"},
/// Error{storage_full, …}.
void write_new_file(
    const std::filesystem::path& directory, const std::string& name, std::string_view bytes
);

/// The bytes of a file; `-`: of stdin. Throws Error{usage, "file_read"}, also beyond max_bytes.
[[nodiscard]] std::string read_file(const std::string& path, std::size_t max_bytes);

}  // namespace tapline::cli
