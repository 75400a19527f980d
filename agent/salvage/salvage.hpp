// Makes a sound journal of a damaged one, in its place, and keeps the damaged one
// (docs/salvage.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pour.hpp"

namespace tapline::salvage {

struct SalvageOptions {
    bool dry_run = false;  ///< look and count only
    /// Under the write lock, which the tap's program waits 5 s for; nullopt: it is stopped, and
    /// there is no limit.
    std::optional<std::chrono::milliseconds> deadline = std::chrono::milliseconds{2000};
    /// Where the file doesn't tell its own id any more; empty: it becomes a new journal then.
    std::string journal_id;
    /// More damaged copies than these beside the journal: refused. For who runs unattended.
    std::optional<std::size_t> max_kept;
    std::function<void(std::string_view)> progress;  ///< may be empty
};

struct SalvageReport {
    bool damaged = false;               ///< false: it is sound, nothing was done
    bool changed = false;               ///< a new journal stands in its place
    std::vector<std::string> findings;  ///< what is wrong, in words; at most 20 of SQLite's
    std::string journal_id;
    bool new_identity = false;  ///< its own id was lost
    std::string revision;
    std::int64_t pages = 0;
    std::int64_t lost_pages = 0;
    std::int64_t whole = 0;     ///< rows that are whole
    std::int64_t proven = 0;    ///< of them, by the chain of row hashes
    Seq settled_through = 0;    ///< central has what comes up to here; the rest is sent (again)
    std::int64_t to_send = 0;   ///< whole rows behind it
    std::int64_t doubtful = 0;  ///< for central's quarantine
    std::int64_t noted = 0;     ///< an earlier salvage's: in quarantine already, taken along
    std::map<std::string, std::int64_t> doubts;  ///< the same by kind (judge.hpp)
    std::int64_t missing = 0;                    ///< seqs behind settled_through without any trace
    Seq top = 0;                                 ///< the next pour's seq is above
    std::vector<std::string> extras;             ///< a technician's; only the kept file has them
    std::optional<std::filesystem::path> kept;   ///< directory with the damaged files
    std::string kept_sha256;                     ///< of the damaged journal.db in it
};

/// While the tap's program may write: what it commits meanwhile is taken along. Becomes the
/// journal's owner and takes its lock. Throws refused/"not_adopted" (no trace of a journal of
/// ours), "locked", "wrong_owner", "newer_revision", "too_many_kept", storage_busy/"busy_tap" (it
/// would have to wait longer than the deadline: stop it), storage*. Nothing has changed then, but a
/// damaged copy may have been kept.
[[nodiscard]] SalvageReport salvage(
    const std::filesystem::path& file, const SalvageOptions& options = {}
);

/// As central's operator gets it. JSON.
[[nodiscard]] std::string encode(const SalvageReport& report);

}  // namespace tapline::salvage
