// Damage by chance; a failing seed is printed and repeats.
#include <fstream>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/salvage/judge.hpp"
#include "agent/salvage/scan.hpp"
#include "tests/sqlite/files.hpp"
#include "tests/sqlite/salvage_checks.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using salvage::SalvageOptions;

TEST_CASE("random page-level damage: counts are the truth, no row is invented") {
    const auto seed = GENERATE(range(1U, 13U));
    INFO("seed " << seed);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::mt19937 random(seed);
    const auto pick = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    JournalPlan plan;
    plan.step = static_cast<int>(pick(5, 60));
    plan.acked = plan.step * static_cast<int>(pick(0, 20));
    plan.pours = plan.acked + static_cast<int>(pick(0, 600)) + 1;
    make_known_journal(file, plan);
    const auto map = map_pages(file);
    std::set<std::int64_t> lost;
    for (auto i = pick(1, 8); i > 0; --i) {
        const auto page = pick(1, map.pages);
        const bool own = map.own_pages.contains(page) && !map.entries.contains(page) && page != 1;
        if (!own) {
            lost.insert(page);
        }
    }
    for (const auto page : lost) {
        zero_page(file, map, page);
    }
    if (lost.empty()) {
        return;
    }
    check_salvage(file, map, expect(map, plan, lost));
}

TEST_CASE("random flipped bits: rows on untouched pages are whole, ids belong to their seqs") {
    const auto seed = GENERATE(range(100U, 125U));
    INFO("seed " << seed);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::mt19937 random(seed);
    const auto pick = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    const JournalPlan plan{600, 240, 40};
    make_known_journal(file, plan);
    const auto map = map_pages(file);
    std::set<std::int64_t> touched;
    for (auto i = pick(1, 30); i > 0; --i) {
        const auto byte = pick(0, map.pages * map.page_size - 1);
        touched.insert(byte / map.page_size + 1);
        flip_bit(file, byte, static_cast<int>(pick(0, 7)));
    }
    SalvageOptions options;
    options.journal_id = "11111111-2222-4333-8444-555555555555";
    const auto report = salvage::salvage(file, options);
    if (!report.damaged) {
        return;  // within unused space
    }
    const auto expected = expect(map, plan, touched);
    const auto after = contents_of(file);
    std::set<std::string> noted;
    for (const auto& line : Plain(file).rows("SELECT seq FROM tapline_salvage")) {
        noted.insert(line);
    }
    int missing = 0;
    for (const auto seq : expected.whole) {
        const auto found = after.find(seq);
        const bool there = found != after.end() && !noted.contains(std::to_string(seq));
        missing += there && found->second == map.content.at(seq) ? 0 : 1;
    }
    CHECK(missing == 0);
    int invented = 0;
    for (const auto& [seq, content] : after) {
        if (noted.contains(std::to_string(seq))) {
            continue;
        }
        const auto old = map.content.find(seq);
        const bool known =
            old != map.content.end() &&
            old->second.substr(0, old->second.find('/')) == content.substr(0, content.find('/'));
        invented += known ? 0 : 1;
    }
    CHECK(invented == 0);
    CHECK(Plain(file).one("PRAGMA integrity_check") == "ok");
}

TEST_CASE("whatever bytes a file holds, reading it ends and stays within the file") {
    const auto seed = GENERATE(range(1000U, 1010U));
    INFO("seed " << seed);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::mt19937 random(seed);
    const auto pick = [&](std::size_t low, std::size_t high) {
        return std::uniform_int_distribution<std::size_t>(low, high)(random);
    };
    make_known_journal(file, {150, 60, 20});
    const auto sound = all_of(file);
    const auto layout = salvage::pour_layout();
    for (int round = 0; round < 40; ++round) {
        auto bytes = sound;
        for (auto i = pick(1, 400); i > 0; --i) {
            const auto at = pick(0, bytes.size() - 1);
            const auto length = std::min(pick(1, 40), bytes.size() - at);
            switch (pick(0, 2)) {
                case 0:
                    bytes[at] = static_cast<char>(pick(0, 255));
                    break;
                case 1:  // a piece of the file elsewhere
                    std::copy_n(
                        sound.begin() + static_cast<std::ptrdiff_t>(pick(0, sound.size() - length)),
                        length,
                        bytes.begin() + static_cast<std::ptrdiff_t>(at)
                    );
                    break;
                default:
                    std::fill_n(
                        bytes.begin() + static_cast<std::ptrdiff_t>(at),
                        length,
                        static_cast<char>(pick(0, 1) * 255)
                    );
            }
        }
        const auto copy = dir / "copy.db";
        std::ofstream(copy, std::ios::binary) << bytes;
        // As a -wal too: nothing that its bytes say may lead out of it.
        std::ofstream(copy.string() + "-wal", std::ios::binary) << bytes;
        salvage::Pages pages(copy);
        auto found = salvage::scan(pages, layout);
        const auto read = [&](const salvage::FoundRow& row) -> std::optional<RawPour> {
            auto pour = salvage::read_row(pages, layout, found, row);
            return pour ? std::optional(pour->pour) : std::nullopt;
        };
        const auto verdict = salvage::judge(found, read);
        CHECK(verdict.whole.size() <= 150);
        CHECK(verdict.top <= 150 + found.most_rows);
    }
}
