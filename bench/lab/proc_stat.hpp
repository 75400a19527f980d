// What Linux tells about running processes and disks in /proc and /sys. See proc(5).
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace tapline::bench {

/// User and system seconds of a living process (all its threads), without its children.
[[nodiscard]] double cpu_seconds(pid_t pid);
/// The same plus its living children plus all children that it has waited for: a whole PostgreSQL,
/// given its postmaster. A child that ends meanwhile is counted once.
[[nodiscard]] double cpu_seconds_with_children(pid_t pid);

struct Memory {
    std::int64_t rss_kib = 0;        ///< VmRSS
    std::int64_t anonymous_kib = 0;  ///< RssAnon
    std::int64_t file_kib = 0;       ///< RssFile
    std::int64_t highest_kib = 0;    ///< VmHWM
};

[[nodiscard]] Memory memory_of(pid_t pid);

/// Voluntary and involuntary, of all threads that live now.
[[nodiscard]] std::int64_t context_switches(pid_t pid);

/// write_bytes of /proc/PID/io: bytes for which the process made pages dirty on a disk.
[[nodiscard]] std::int64_t written_bytes(pid_t pid);

/// Sectors of 512 bytes written to a block device ("loop3"), from /sys/block/*/stat.
[[nodiscard]] std::int64_t written_sectors(const std::string& device);

}  // namespace tapline::bench
