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

  private:
    int descriptor_ = -1;
};

}  // namespace tapline::journal
