// The third seam for tests: a disk that fails, fills up or loses power at a chosen operation, under
// the real SQLite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/faults/shim_vfs.hpp"

namespace tapline::test {

enum class Fault {
    none,
    io_error_once,  ///< the n-th operation fails, later ones work
    io_error_from,  ///< it and all later ones fail
    full_from,      ///< from it on, what would make a file larger fails with SQLITE_FULL
    power_cut,      ///< it is done in part, and nothing works until power_up()
};

[[nodiscard]] const char* name_of(Fault fault) noexcept;

/// Default VFS of the process while it lives; one at a time. Counts reads, writes, syncs,
/// truncations, deletions and creations of files whose path begins with `prefix`; all other files
/// are left alone.
class FaultyDisk : public Disk {
  public:
    explicit FaultyDisk(const std::filesystem::path& prefix);

    /// While no connection is open: what stands in the files now is on the card. n counts from 1.
    void arm(Fault fault, std::int64_t n, std::uint32_t seed);
    /// Everything works again. After a power cut use power_up().
    void disarm();
    /// While no connection is open: the files become what the card kept. Synced bytes are there;
    /// of each write that wasn't synced some sectors of 512 bytes, in any order, or none; a
    /// truncation or a creation happened or not. The -shm is gone.
    void power_up();

    [[nodiscard]] std::int64_t operations() const noexcept { return operations_; }

    /// The armed operation was reached.
    [[nodiscard]] bool reached() const noexcept { return reached_; }

    [[nodiscard]] bool counts(const char* path) const override;
    [[nodiscard]] Verdict judge(Operation operation, bool grows) override;

    [[nodiscard]] bool is_off() const override { return reached_; }

    void written(const std::string& path, std::int64_t offset, std::string bytes) override;
    void truncated(const std::string& path, std::int64_t size) override;
    void synced(const std::string& path) override;
    void removed(const std::string& path) override;

  private:
    struct Pending {
        std::int64_t offset = 0;  ///< or the size of a truncation
        std::optional<std::string> bytes;
    };

    struct File {
        std::optional<std::string> durable;  ///< nullopt: the card doesn't know the file
        std::vector<Pending> pending;
    };

    static void apply(std::string& image, const Pending& pending);
    [[nodiscard]] std::string survivor(const File& file);

    std::string prefix_;
    Fault fault_ = Fault::none;
    std::int64_t n_ = 0;
    std::int64_t operations_ = 0;
    bool reached_ = false;
    std::mt19937 dice_;
    std::map<std::string, File> files_;
    ShimVfs vfs_;
};

}  // namespace tapline::test
