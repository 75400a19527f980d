// A copy of a journal with its -wal and -journal, made without touching SQLite's locks.
#pragma once

#include <filesystem>

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
    ~StableCopy();
    StableCopy(const StableCopy&) = delete;
    StableCopy& operator=(const StableCopy&) = delete;

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

    /// The copy; its companions carry the usual suffixes.
    [[nodiscard]] std::filesystem::path main() const;
    [[nodiscard]] std::filesystem::path wal() const;

  private:
    std::filesystem::path directory_;
};

}  // namespace tapline::journal
