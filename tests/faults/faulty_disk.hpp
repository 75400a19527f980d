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
    torn_write,     ///< of the first write from then on one sector is done, and it fails
};

[[nodiscard]] const char* name_of(Fault fault) noexcept;

/// What a card holds, and how it fails; SQLite meets it through a ShimVfs. Counts reads, writes,
/// syncs, truncations, deletions and creations of files whose path begins with `prefix`.
class FaultyCard : public Disk {
  public:
    explicit FaultyCard(const std::filesystem::path& prefix) : prefix_(prefix.string()) {}

    /// While no connection is open: what stands in the files now is on the card. n counts from 1.
    void arm(Fault fault, std::int64_t n, std::uint32_t seed);
    /// At any time after arm(): the n-th operation from now on.
    void strike(Fault fault, std::int64_t n);
    /// Everything works again. After a power cut use power_up().
    void disarm();
    /// While no connection is open: the files become what the card kept. Synced bytes are there;
    /// of each write that wasn't synced some sectors of 512 bytes, in any order, or none; a
    /// truncation or a creation happened or not. The -shm is gone.
    void power_up();

    [[nodiscard]] std::int64_t operations() const noexcept { return operations_; }

    [[nodiscard]] Fault fault() const noexcept { return fault_; }

    /// The armed operation was reached.
    [[nodiscard]] bool reached() const noexcept { return reached_; }

    [[nodiscard]] bool counts(const char* path) const override;
    [[nodiscard]] Verdict judge(Operation operation, bool grows) override;

    [[nodiscard]] bool is_off() const override { return off_; }

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
    bool off_ = false;
    std::mt19937 dice_;
    std::map<std::string, File> files_;
};

/// The one card of a process. Its VFS is the default while it lives; all files elsewhere are left
/// alone.
class FaultyDisk final : public FaultyCard {
  public:
    explicit FaultyDisk(const std::filesystem::path& prefix) : FaultyCard(prefix), vfs_(*this) {}

  private:
    ShimVfs vfs_;
};

}  // namespace tapline::test
