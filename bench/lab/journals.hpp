// Journals with a backlog, made once per run and copied for every round.
#pragma once

#include <filesystem>
#include <vector>

#include "bench/lab/bar.hpp"
#include "bench/lab/programs.hpp"

namespace tapline::bench {

/// A new journal at the head schema: `tapline-agent journal adopt` of an empty file.
void make_journal(const Programs& programs, const std::filesystem::path& file);

/// INSERTs of the newest release, many rows per transaction, on a journal nobody else has open.
void fill_journal(const std::filesystem::path& file, PourSource& source, std::int64_t rows);

/// `count` journals of `rows_each` pours; the n-th pours at tap n + 1 (modulo taps), seed n + 1.
[[nodiscard]] std::vector<std::filesystem::path> make_backlog(
    const Programs& programs,
    const std::filesystem::path& directory,
    int count,
    std::int64_t rows_each
);

/// Copies the closed files into an empty `directory` and syncs the disk.
[[nodiscard]] std::vector<std::filesystem::path> copy_journals(
    const std::vector<std::filesystem::path>& masters, const std::filesystem::path& directory
);

}  // namespace tapline::bench
