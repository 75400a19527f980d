// Small files, most of them such that nobody else may read, written so that a power cut leaves the
// old one or the new one, never half of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tapline {

/// Mode 0600, replaces what is there. Error{storage | storage_full, "write_file"}.
void write_secret_file(const std::filesystem::path& path, const std::string& text);

/// The same, but never replaces: false when the name is taken.
[[nodiscard]] bool create_secret_file(const std::filesystem::path& path, const std::string& text);

/// For a file that isn't secret: mode and owner of the one that it replaces, else 0644.
void replace_file(const std::filesystem::path& path, const std::string& text);

/// nullopt: there is no such file. Error{storage, "read_file"} when it can't be read or is larger
/// than 1 MiB.
[[nodiscard]] std::optional<std::string> read_small_file(const std::filesystem::path& path);

/// A directory of mode 0700, with its parents; one that is there is left as it is.
void make_secret_directory(const std::filesystem::path& path);

/// For a process that has keys in its memory: no core file of it, for good.
void forbid_core_dumps() noexcept;

}  // namespace tapline
