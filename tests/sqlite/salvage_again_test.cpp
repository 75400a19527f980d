// More than one salvage of a journal: cards that die do so by and by.
#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "agent/salvage/salvage.hpp"
#include "tests/sqlite/damage.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

constexpr const char* sql_notes =
    "SELECT n.seq, n.evidence, p.client_tx_id, p.volume_ml FROM tapline_salvage AS n"
    " JOIN pours AS p ON p.seq = n.seq ORDER BY n.seq";

std::int64_t nth_page(const std::map<std::int64_t, std::set<std::int64_t>>& of, std::size_t n) {
    return std::next(of.begin(), static_cast<std::ptrdiff_t>(n))->first;
}

std::vector<std::int64_t> pages_of_table(const fs::path& file, const std::string& name) {
    std::vector<std::int64_t> pages;
    for (const auto& page : Plain(file).rows(
             "SELECT pageno FROM dbstat WHERE name = '" + name +
             "' AND pagetype = 'leaf' ORDER BY path"
         )) {
        pages.push_back(std::stoll(page));
    }
    return pages;
}

}  // namespace

TEST_CASE("what waits in quarantine stays the same row through every later salvage") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {600, 200, 50});
    auto map = map_pages(file);
    zero_page(file, map, nth_page(map.entries, 2));
    zero_page(file, map, nth_page(map.rows, map.rows.size() / 2));
    const auto first = salvage::salvage(file);
    REQUIRE(first.doubtful > 0);
    CHECK(first.noted == 0);
    const auto notes = Plain(file).rows(sql_notes);
    REQUIRE(static_cast<std::int64_t>(notes.size()) == first.doubtful + 1);
    for (int again = 1; again <= 3; ++again) {
        Plain(file).exec("PRAGMA wal_checkpoint(TRUNCATE)");
        const auto pages = pages_of_table(file, "tapline_revision");
        REQUIRE_FALSE(pages.empty());
        zero_page(file, map_pages(file), pages.back());
        const auto next = salvage::salvage(file);
        REQUIRE(next.changed);
        CHECK(next.doubtful == 0);
        CHECK(next.noted == static_cast<std::int64_t>(notes.size()) + again - 1);
        const auto now = Plain(file).rows(sql_notes);
        CHECK(now.size() == notes.size() + static_cast<std::size_t>(again));
        CHECK(std::equal(notes.begin(), notes.end(), now.begin()));
    }
}

TEST_CASE("a journal whose log lost its end is a journal all the same") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::ofstream{file};
    journal::adopt(file);
    {
        Plain writer(file);
        for (int number = 1; number <= 200; ++number) {
            REQUIRE(writer.insert(release("gen8").insert, id_of(number), 100) == SQLITE_OK);
        }
        writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const auto pages = pages_of_table(file, "tapline_revision");
    REQUIRE(pages.size() > 1);
    zero_page(file, map_pages(file), pages.back());
    const auto report = salvage::salvage(file);
    CHECK(report.changed);
    CHECK(report.whole == 200);
    CHECK(report.revision == "j0001");
    CHECK(journal::Journal::open(file)->identity().journal_id == report.journal_id);
}

TEST_CASE("only salvages that came to their end say that the card dies") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {60, 20, 20});
    salvage::SalvageOptions careful;
    careful.max_kept = 3;
    const auto damage = [&] {
        Plain(file).exec("PRAGMA wal_checkpoint(TRUNCATE)");
        zero_page(file, map_pages(file), pages_of_table(file, "tapline_revision").back());
    };
    for (int number = 1; number <= 3; ++number) {
        fs::create_directory(fmt::format("{}.tapline-damaged-killed-{}", file.string(), number));
    }
    for (int number = 1; number <= 3; ++number) {
        damage();
        CHECK(salvage::salvage(file, careful).changed);
    }
    damage();
    CHECK_THROWS_WITH(salvage::salvage(file, careful), Catch::Contains("was salvaged"));
    CHECK(salvage::salvage(file).changed);
}
