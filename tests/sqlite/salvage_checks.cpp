#include "tests/sqlite/salvage_checks.hpp"

#include <fstream>

#include <catch2/catch.hpp>

#include "agent/journal/check.hpp"
#include "agent/journal/journal.hpp"
#include "tests/sqlite/files.hpp"

namespace tapline::test {

namespace fs = std::filesystem;

salvage::SalvageReport dry_run(const fs::path& file) {
    salvage::SalvageOptions options;
    options.dry_run = true;
    return salvage::salvage(file, options);
}

std::int64_t doubts(const salvage::SalvageReport& report, const std::string& kind) {
    const auto found = report.doubts.find(kind);
    return found == report.doubts.end() ? 0 : found->second;
}

void check_counts(const salvage::SalvageReport& report, const Expected& expected) {
    CHECK(report.damaged);
    CHECK(report.whole == static_cast<std::int64_t>(expected.whole.size()));
    CHECK(report.settled_through == expected.settled);
    CHECK(report.to_send == expected.to_send);
    CHECK(doubts(report, "unindexed") == expected.unindexed);
    CHECK(doubts(report, "id_only") == expected.id_only);
    CHECK(report.doubtful == expected.unindexed + expected.id_only);
    CHECK(report.missing == expected.missing);
}

std::set<std::int64_t> whole_rows(const fs::path& file, const PageMap& map) {
    std::set<std::int64_t> noted;
    for (const auto& line : Plain(file).rows("SELECT seq FROM tapline_salvage")) {
        noted.insert(std::stoll(line));
    }
    std::set<std::int64_t> whole;
    int invented = 0;
    for (const auto& [seq, content] : contents_of(file)) {
        if (noted.contains(seq)) {
            continue;
        }
        const auto old = map.content.find(seq);
        invented += old == map.content.end() || old->second != content ? 1 : 0;
        whole.insert(seq);
    }
    CHECK(invented == 0);
    return whole;
}

void check_salvage(const fs::path& file, const PageMap& map, const Expected& expected) {
    check_counts(dry_run(file), expected);
    const auto report = salvage::salvage(file);
    check_counts(report, expected);
    CHECK(report.changed);
    CHECK(Plain(file).one("PRAGMA integrity_check") == "ok");
    CHECK(whole_rows(file, map) == expected.whole);
    CHECK(journal::check(file).problem.empty());
    CHECK_FALSE(salvage::salvage(file).damaged);
    const auto journal = journal::Journal::open(file);
    CHECK(journal->identity().salvaged);
    CHECK(journal->identity().acked_through == expected.settled);
    CHECK(journal->counts().max_seq > report.top);
}

std::set<std::int64_t> pages_of(const std::map<std::int64_t, std::set<std::int64_t>>& map) {
    std::set<std::int64_t> pages;
    for (const auto& [page, seqs] : map) {
        pages.insert(page);
    }
    return pages;
}

std::int64_t nth(const std::set<std::int64_t>& pages, std::size_t number) {
    return *std::next(pages.begin(), static_cast<std::ptrdiff_t>(number));
}

std::string all_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace tapline::test
