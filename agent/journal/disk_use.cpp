#include "agent/journal/disk_use.hpp"

#include <array>
#include <atomic>
#include <mutex>

#include <sqlite3.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr const char* name = "tapline-counting";

/// A system's way with files, ours in two places. An open file has a pointer to `mine`.
struct Methods {
    sqlite3_io_methods mine;
    const sqlite3_io_methods* system;
};

struct Counting {
    std::atomic<std::int64_t> writes{0};
    std::atomic<std::int64_t> written_bytes{0};
    std::atomic<std::int64_t> syncs{0};
    std::mutex guard;
    /// Linux' VFS has one kind of file, or two where a file system can't lock.
    std::array<Methods, 4> known{};
    sqlite3_vfs vfs{};
    sqlite3_vfs* system = nullptr;
};

Counting& counting() noexcept {
    static Counting it;
    return it;
}

const sqlite3_io_methods& system_of(sqlite3_file* file) {
    return *reinterpret_cast<const Methods*>(file->pMethods)->system;
}

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    counting().writes.fetch_add(1, std::memory_order_relaxed);
    counting().written_bytes.fetch_add(count, std::memory_order_relaxed);
    return system_of(file).xWrite(file, bytes, count, offset);
}

int sync(sqlite3_file* file, int flags) {
    count_sync();
    return system_of(file).xSync(file, flags);
}

/// The same ones when there are more kinds than we know of; such a file isn't counted.
const sqlite3_io_methods* counted(const sqlite3_io_methods* system) {
    const std::lock_guard lock(counting().guard);
    for (auto& methods : counting().known) {
        if (methods.system == nullptr) {
            methods.mine = *system;
            methods.mine.xWrite = write;
            methods.mine.xSync = sync;
            methods.system = system;
        }
        if (methods.system == system) {
            return &methods.mine;
        }
    }
    return system;
}

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
    auto* const system = counting().system;
    const int result = system->xOpen(system, path, file, flags, out);
    if (file->pMethods != nullptr) {
        file->pMethods = counted(file->pMethods);
    }
    return result;
}

}  // namespace

DiskUse disk_use() noexcept {
    const auto& now = counting();
    return {
        now.writes.load(std::memory_order_relaxed),
        now.written_bytes.load(std::memory_order_relaxed),
        now.syncs.load(std::memory_order_relaxed)};
}

void count_sync() noexcept {
    counting().syncs.fetch_add(1, std::memory_order_relaxed);
}

const char* counting_vfs() {
    auto& state = counting();
    const std::lock_guard lock(state.guard);
    auto* const system = sqlite3_vfs_find(nullptr);
    // A test may put a disk of its own there between two openings.
    if (state.system == system && state.vfs.pAppData == system->pAppData) {
        return name;
    }
    sqlite3_vfs_unregister(&state.vfs);
    state.vfs = *system;
    state.vfs.zName = name;
    state.vfs.pNext = nullptr;
    state.vfs.xOpen = open;
    state.system = system;
    if (sqlite3_vfs_register(&state.vfs, 0) != SQLITE_OK) {
        state.system = nullptr;
        throw Error(
            ErrorKind::storage, "sqlite", "SQLite takes no VFS of ours", "Start the agent again."
        );
    }
    return name;
}

}  // namespace tapline::journal
