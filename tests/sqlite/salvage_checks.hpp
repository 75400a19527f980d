// What a salvage must have made of a journal that was damaged on purpose.
#pragma once

#include "agent/salvage/salvage.hpp"
#include "tests/sqlite/damage.hpp"

namespace tapline::test {

inline constexpr JournalPlan usual{1200, 600, 40};

[[nodiscard]] salvage::SalvageReport dry_run(const std::filesystem::path& file);
[[nodiscard]] std::int64_t doubts(const salvage::SalvageReport& report, const std::string& kind);
void check_counts(const salvage::SalvageReport& report, const Expected& expected);

/// Every pour of the new journal that isn't marked; checks that each is one of the old, unchanged.
[[nodiscard]] std::set<std::int64_t> whole_rows(
    const std::filesystem::path& file, const PageMap& map
);

/// dry run, salvage, and everything that can be said of the new journal.
void check_salvage(const std::filesystem::path& file, const PageMap& map, const Expected& expected);

[[nodiscard]] std::set<std::int64_t> pages_of(
    const std::map<std::int64_t, std::set<std::int64_t>>& map
);
[[nodiscard]] std::int64_t nth(const std::set<std::int64_t>& pages, std::size_t number);
[[nodiscard]] std::string all_of(const std::filesystem::path& file);

}  // namespace tapline::test
