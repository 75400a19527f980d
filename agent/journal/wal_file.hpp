// The -wal file, read with plain I/O (https://sqlite.org/fileformat2.html#the_write_ahead_log).
// SQLite keeps no POSIX locks on it, so reading it beside an open connection is safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

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

/// From the header of a database file; 0 when it hasn't got one.
[[nodiscard]] std::int64_t page_size_of(const std::filesystem::path& database);

}  // namespace tapline::journal
