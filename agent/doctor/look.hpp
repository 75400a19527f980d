// What the kernel tells: /proc and /sys under a root that tests may plant.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace tapline::doctor {

/// One POSIX lock of /proc/locks (proc(5)).
struct FileLockSeen {
    std::int64_t pid = 0;
    std::int64_t first = 0;  ///< byte
    std::int64_t last = 0;
    bool operator==(const FileLockSeen&) const = default;
};

class Look {
  public:
    explicit Look(std::filesystem::path root = "/") : root_(std::move(root)) {}

    /// True: this machine, not a planted tree.
    [[nodiscard]] bool real() const { return root_ == "/"; }

    /// Where it really is.
    [[nodiscard]] std::filesystem::path at(const std::string& path) const;
    [[nodiscard]] bool exists(const std::string& path) const;

    /// First 64 KiB of a file; nullopt when it can't be read.
    [[nodiscard]] std::optional<std::string> text(const std::string& path) const;
    /// The number it begins with, decimal or 0x.
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& path) const;
    /// "/sys/fs/ext4" + "errors_count": each of the directory's entries that has such a file. At
    /// most 64.
    [[nodiscard]] std::vector<std::filesystem::path> each(
        const std::string& directory, const std::string& file
    ) const;
    /// On that very file. Some file systems (btrfs, overlay) tell /proc/locks another device than
    /// stat; there the lock counts when its process has the file open.
    [[nodiscard]] std::vector<FileLockSeen> locks(const struct stat& file) const;
    /// At most 4096.
    [[nodiscard]] std::vector<std::int64_t> processes() const;
    /// Which program, without its options: a password may be among them. "process 12" when it is
    /// gone.
    [[nodiscard]] std::string process(std::int64_t pid) const;
    /// Processes that have another file of this path open: deleted, or replaced. Root sees all,
    /// others their own.
    [[nodiscard]] std::vector<std::int64_t> holders_of_another(const std::filesystem::path& file
    ) const;

    /// That very file, by whatever name.
    [[nodiscard]] bool has_open(std::int64_t pid, const struct stat& file) const;

  private:
    std::filesystem::path root_;
};

}  // namespace tapline::doctor
