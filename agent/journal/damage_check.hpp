// Whether a live journal is sound.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>

namespace tapline::journal {

class DamageCheck {
  public:
    /// What quick_check finds first, by a connection of its own; empty: nothing, or it wasn't done
    /// within `limit`, or somebody stopped it. Becomes nobody: the caller is the owner already.
    /// Throws what keeps it from looking. One at a time; blocks on the disk.
    [[nodiscard]] std::string run(
        const std::filesystem::path& file, std::chrono::milliseconds limit
    );

    /// From any thread; the one that runs ends at once, and so does every later one.
    void stop();

  private:
    class Watcher;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
};

}  // namespace tapline::journal
