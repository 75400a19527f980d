// An sqlite3_vfs over the system's own for tests: whoever stands behind Disk sees each operation on
// the files it cares for, and says how it ends. The files are real files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.hpp"

namespace tapline::test {

class Disk;

/// What SQLite asks of the system. It calls on the thread that works with the file.
class Machine {
  public:
    Machine() = default;
    virtual ~Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// nullptr: the file is left to the system.
    [[nodiscard]] virtual Disk* disk_of(const char* path) = 0;

    /// What SQL calls 'now'; nullopt: the system's clock.
    [[nodiscard]] virtual std::optional<UtcTime> now() const { return std::nullopt; }

    /// Seed of SQLite's random numbers; nullopt: the system's.
    [[nodiscard]] virtual std::optional<std::uint64_t> random_seed() { return std::nullopt; }

    /// Whether who waits for a lock really waits.
    [[nodiscard]] virtual bool sleeps() const { return true; }
};

class Disk : public Machine {
  public:
    enum class Operation { read, write, sync, truncate, remove, create };
    /// torn: a write of which the first sector is done.
    enum class Verdict { works, io_error, torn, full, off };

    [[nodiscard]] Disk* disk_of(const char* path) override { return counts(path) ? this : nullptr; }

    /// Files that it doesn't count are left to the system.
    [[nodiscard]] virtual bool counts(const char* path) const = 0;
    [[nodiscard]] virtual Verdict judge(Operation operation, bool grows) = 0;

    /// The power went off at an earlier operation.
    [[nodiscard]] virtual bool is_off() const { return false; }

    virtual void
    written(const std::string& /*path*/, std::int64_t /*offset*/, std::string /*bytes*/) {}

    virtual void truncated(const std::string& /*path*/, std::int64_t /*size*/) {}

    /// In place of a sync: the card is ours to imagine, a real one would only take time.
    virtual void synced(const std::string& /*path*/) {}

    virtual void removed(const std::string& /*path*/) {}

    /// Of the WAL (https://sqlite.org/walformat.html#wal_locks), by a connection of this process.
    virtual void write_lock(bool /*held*/) {}
};

/// Default VFS of the process while it lives; one at a time.
class ShimVfs {
  public:
    explicit ShimVfs(Machine& machine);
    ~ShimVfs();
    ShimVfs(const ShimVfs&) = delete;
    ShimVfs& operator=(const ShimVfs&) = delete;

  private:
    struct Vfs;
    std::unique_ptr<Vfs> vfs_;
};

}  // namespace tapline::test
