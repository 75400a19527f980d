// A journal whose every page is known, and what its damage must cost: computed before the damage,
// from SQLite's own dbstat and nothing of ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tapline::test {

struct JournalPlan {
    int pours = 0;
    int acked = 0;
    int step = 0;  ///< pours in each acked batch
};

/// An adopted journal with that many pours; nothing of it is left in the -wal.
void make_known_journal(const std::filesystem::path& file, const JournalPlan& plan);

/// Which pours stand on which page, and which page has the index entry of each.
struct PageMap {
    std::int64_t page_size = 0;
    std::int64_t pages = 0;
    std::map<std::int64_t, std::set<std::int64_t>> rows;     ///< leaf of `pours` -> seqs
    std::map<std::int64_t, std::set<std::int64_t>> entries;  ///< page of the index -> seqs
    std::set<std::int64_t> own_pages;  ///< of tapline's tables, the schema, interior pages
    std::map<std::int64_t, std::string> content;  ///< seq -> everything of the row
};

[[nodiscard]] PageMap map_pages(const std::filesystem::path& file);

/// By the rule of docs/salvage.md: what of the journal is whole once those pages are zeroed.
struct Expected {
    std::set<std::int64_t> whole;
    std::int64_t settled = 0;
    std::int64_t to_send = 0;
    std::int64_t unindexed = 0;
    std::int64_t id_only = 0;
    std::int64_t missing = 0;
};

[[nodiscard]] Expected expect(
    const PageMap& map, const JournalPlan& plan, const std::set<std::int64_t>& lost_pages
);

void zero_page(const std::filesystem::path& file, const PageMap& map, std::int64_t page);
void flip_bit(const std::filesystem::path& file, std::int64_t byte, int bit);
[[nodiscard]] std::map<std::int64_t, std::string> contents_of(const std::filesystem::path& file);

}  // namespace tapline::test
