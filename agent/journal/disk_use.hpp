// What this process asks of the card: SQLite's writes and syncs, counted where SQLite hands them to
// the system. The -shm is memory that the kernel writes back as it likes; it isn't in here.
#pragma once

#include <cstdint>

namespace tapline::journal {

struct DiskUse {
    std::int64_t writes = 0;
    std::int64_t written_bytes = 0;
    std::int64_t syncs = 0;
};

/// Since the program's start: every file of every Database, and sync_file. From any thread.
[[nodiscard]] DiskUse disk_use() noexcept;

/// The name of a VFS that counts and leaves everything else to the default one. Throws
/// Error{storage, "sqlite"} when SQLite has no memory left for it.
[[nodiscard]] const char* counting_vfs();

/// A sync that isn't SQLite's.
void count_sync() noexcept;

}  // namespace tapline::journal
