// A file that is there whole or not at all, written for a technician who may be root while its
// content is read as the journal's owner.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace tapline::cli {

using Put = std::function<void(std::string_view)>;

/// A child process runs `fill`, which may become another user and open databases; this process
/// stays who it is, so the file lands where the caller may write (root's USB stick). Written beside
/// `path` (mode 0600), fsync, rename, fsync of the directory; gzip when the name ends in .gz or
/// .tgz. `fill` returns what it has to say (at most 64 KiB), which is returned; when it throws, the
/// same Error is thrown here and there is no file. An empty file isn't put in place. path "-":
/// standard output. Throws usage/"not_a_file" and usage/"not_replaced" for what stands there and
/// isn't an export or a bundle, storage_full/ "disk_full", storage/"write_file".
[[nodiscard]] std::string write_whole_file(
    const std::filesystem::path& path, const std::function<std::string(const Put&)>& fill
);

}  // namespace tapline::cli
