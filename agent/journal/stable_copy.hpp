// A copy of a journal with its -wal and -journal, made without touching SQLite's locks.
#pragma once

#include <filesystem>

#include "agent/journal/copy_directory.hpp"

namespace tapline::journal {

/// A directory of its own beside the journal, removed at the end. Nothing opens the original
/// through SQLite, so the original stays byte for byte as it is, whatever it holds.
class StableCopy {
  public:
    /// A child process makes the copy: closing a file drops the POSIX locks that SQLite holds on it
    /// in the same process. Copies until two readings agree; the tap's program may write meanwhile.
    /// Throws storage_busy/"unstable" when it writes faster than that, storage/"io_error", and
    /// storage_full/"disk_full".
    explicit StableCopy(const std::filesystem::path& journal);

    /// Whether the files still are, byte for byte, what was copied; asked of a child process too.
    /// Only while nobody can write (the caller has SQLite's write lock) is the answer worth
    /// something afterwards.
    [[nodiscard]] bool still_so() const;

    /// The directory gets this name, on the same file system, and stays; everything in it and the
    /// name itself are on the disk before this returns. Throws storage/"io_error".
    void keep_as(const std::filesystem::path& name);

    [[nodiscard]] const std::filesystem::path& directory() const noexcept {
        return directory_.path();
    }

    /// The copy; its companions carry the usual suffixes.
    [[nodiscard]] std::filesystem::path main() const;
    [[nodiscard]] std::filesystem::path wal() const;

  private:
    std::filesystem::path journal_;
    CopyDirectory directory_;
};

}  // namespace tapline::journal
