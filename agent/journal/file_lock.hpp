// One agent per journal.
#pragma once

#include <filesystem>

namespace tapline::journal {

/// flock on `<real path>.tapline.lock`, made with the journal's owner and mode. The kernel drops it
/// when the process dies, so the file may stay. Lives on a file of its own because opening the
/// journal with plain I/O would drop SQLite's locks on it.
class FileLock {
  public:
    /// Throws refused/"locked" naming the process that has it.
    explicit FileLock(const std::filesystem::path& journal);
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

    /// Whoever had it last died with it: by SIGKILL, by a power cut. The lock file holds the
    /// holder's process id only while it is held, so nothing is written in between.
    [[nodiscard]] bool left_behind() const noexcept { return left_behind_; }

    /// The next holder shall hear the same.
    void keep_mark() noexcept { keep_mark_ = true; }

  private:
    int descriptor_ = -1;
    bool left_behind_ = false;
    bool keep_mark_ = false;
};

}  // namespace tapline::journal
