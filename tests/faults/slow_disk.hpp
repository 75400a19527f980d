// A card whose syncs take their time, and what a connection of this process does on it while it
// holds the write lock.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/faults/shim_vfs.hpp"

namespace tapline::test {

class SlowDisk : public Disk {
  public:
    SlowDisk(const std::filesystem::path& file, std::chrono::milliseconds sync_takes)
        : file_(file.string()), sync_takes_(sync_takes), vfs_(*this) {}

    struct Seen {
        int syncs = 0;
        int locks = 0;                ///< how often the write lock was taken
        int syncs_under_lock = 0;     ///< each keeps the tap waiting for as long as a sync takes
        int most_writes_in_lock = 0;  ///< pages and headers, in one hold of the lock
        std::chrono::milliseconds longest_lock{};  ///< by the wall clock: told, never judged
    };

    [[nodiscard]] const Seen& seen() const noexcept { return seen_; }

    [[nodiscard]] bool counts(const char* path) const override;
    [[nodiscard]] Verdict judge(Operation operation, bool grows) override;
    void synced(const std::string& path) override;
    void write_lock(bool held) override;

  private:
    std::string file_;
    std::chrono::milliseconds sync_takes_;
    Seen seen_;
    bool locked_ = false;
    int writes_in_lock_ = 0;
    std::chrono::steady_clock::time_point locked_at_;
    ShimVfs vfs_;
};

}  // namespace tapline::test
