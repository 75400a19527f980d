// The -wal file, read with plain I/O (https://sqlite.org/fileformat2.html#the_write_ahead_log).
// SQLite keeps no POSIX locks on it, so reading it beside an open connection is safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <unordered_map>
#include <vector>

#include "agent/journal/difference.hpp"

namespace tapline::journal {

struct WalReport {
    std::int64_t frames = 0;            ///< that SQLite will take: chained by salt and checksum
    std::optional<Difference> problem;  ///< why this -wal can't belong to the file beside it
};

/// A torn tail or leftovers of earlier rounds are no problem: every power cut and every reset
/// leaves some. A header that doesn't add up, another page size, or salts that no reset can have
/// made are.
[[nodiscard]] WalReport read_wal(const std::filesystem::path& wal, std::int64_t page_size);

/// Where the current round of a live -wal ends, by bisection over the salts. 0 without a -wal.
struct WalPosition {
    std::uint64_t salts = 0;  ///< of the current round
    std::int64_t frames = 0;
};

[[nodiscard]] WalPosition wal_position(const std::filesystem::path& wal);

/// What a -wal holds as of its last commit, past frames that no longer add up too: SQLite itself
/// drops everything behind the first of them, without a word.
struct WalPages {
    std::int64_t page_size = 0;        ///< 0: there is no frame that can be used
    std::uint32_t database_pages = 0;  ///< size of the database after the last commit
    std::unordered_map<std::uint32_t, std::int64_t> images;  ///< page -> where in the file
    /// Before the last commit, whose checksum doesn't follow.
    std::int64_t broken_frames = 0;
    /// Where the pages of broken frames before the last commit are: some page's newest content, a
    /// part of it wrong.
    std::vector<std::int64_t> broken;
};

/// A frame counts when its checksum follows from the one before it, or, behind a broken one, from
/// what that one says its checksum is. `page_size` is taken when the -wal's own header is broken.
/// At most 2^20 frames are read.
[[nodiscard]] WalPages read_wal_pages(const std::filesystem::path& wal, std::int64_t page_size);

/// Whether SQLite would drop commits of this -wal. Beside a writer only a yes that stays counts. A
/// -wal whose header is broken too is taken to have pages of 4096 bytes.
[[nodiscard]] bool has_broken_frames(const std::filesystem::path& wal);

/// The -wal holds something, and the file beside it is missing or shorter than any database: SQLite
/// would delete the -wal (pager.c, pagerOpenWalIfPresent), and with it every commit since the last
/// checkpoint.
[[nodiscard]] bool has_orphaned_wal(const std::filesystem::path& database);
/// Throws storage_corrupt/"damaged" then, and names `shown_as`.
void refuse_orphaned_wal(
    const std::filesystem::path& database, const std::filesystem::path& shown_as
);

/// From the header of a database file; 0 when it hasn't got one.
[[nodiscard]] std::int64_t page_size_of(const std::filesystem::path& database);

}  // namespace tapline::journal
