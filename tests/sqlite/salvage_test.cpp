// Damage made on purpose, with plain bytes; what it must cost is computed before (damage.hpp).
#include "agent/salvage/salvage.hpp"

#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/check.hpp"
#include "agent/journal/journal.hpp"
#include "common/error.hpp"
#include "tests/sqlite/files.hpp"
#include "tests/sqlite/salvage_checks.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using namespace std::chrono_literals;
using salvage::SalvageOptions;

TEST_CASE("a sound journal is left byte for byte as it is") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto before = all_of(file);
    CHECK_FALSE(dry_run(file).damaged);
    CHECK_FALSE(salvage::salvage(file).damaged);
    CHECK(all_of(file) == before);
}

TEST_CASE("zeroed pages cost exactly the rows that stood on them") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    const auto rows = pages_of(map.rows);
    const auto entries = pages_of(map.entries);
    std::set<std::int64_t> lost;
    SECTION("a leaf of acked pours") {
        lost = {nth(rows, 1)};
    }
    SECTION("a leaf of pours that wait") {
        lost = {nth(rows, rows.size() - 2)};
    }
    SECTION("the newest pours") {
        lost = {*rows.rbegin()};
    }
    SECTION("a leaf of the index") {
        lost = {nth(entries, entries.size() / 2)};
    }
    SECTION("the whole index") {
        lost = entries;
    }
    SECTION("rows and their entries") {
        lost = {nth(rows, 3), nth(rows, rows.size() - 3), nth(entries, 2), nth(entries, 5)};
    }
    SECTION("every leaf but two") {
        lost = rows;
        lost.erase(nth(rows, 2));
        lost.erase(nth(rows, rows.size() - 2));
    }
    for (const auto page : lost) {
        zero_page(file, map, page);
    }
    check_salvage(file, map, expect(map, usual, lost));
}

TEST_CASE("a truncated file costs exactly the rows behind its end") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    const auto keep = GENERATE(0.9, 0.6, 0.4);
    const auto pages = static_cast<std::int64_t>(static_cast<double>(map.pages) * keep);
    std::set<std::int64_t> lost;
    for (auto page = pages + 1; page <= map.pages; ++page) {
        lost.insert(page);
    }
    fs::resize_file(file, static_cast<std::uintmax_t>(pages * map.page_size));
    check_salvage(file, map, expect(map, usual, lost));
}

TEST_CASE("interior pages and the schema cost nothing: leaves are found without a tree") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    std::set<std::int64_t> lost;
    SECTION("the root of pours") {
        lost = {
            std::stoll(Plain(file).one("SELECT rootpage FROM sqlite_schema WHERE name = 'pours'"))};
    }
    SECTION("the first page: header, schema") {
        lost = {1};
    }
    for (const auto page : lost) {
        zero_page(file, map, page);
    }
    check_salvage(file, map, expect(map, usual, lost));
}

TEST_CASE("a broken header costs nothing") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    const auto byte = GENERATE(0, 7, 16, 17, 18, 19, 20, 21, 59);
    const auto bit = GENERATE(1, 4);
    flip_bit(file, byte, bit);
    check_salvage(file, map, expect(map, usual, {}));
}

TEST_CASE("a bit that flips in a row costs that row at most") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    const auto page = *map.rows.rbegin();
    const auto id = id_of(static_cast<int>(*page.second.begin()));
    const auto at =
        all_of(file).find(id, static_cast<std::size_t>((page.first - 1) * map.page_size));
    REQUIRE(at != std::string::npos);
    SECTION("its id: the index says another one") {
        flip_bit(file, static_cast<std::int64_t>(at) + 20, 1);
        const auto report = salvage::salvage(file);
        CHECK(report.whole == usual.pours - 1);
        CHECK(report.doubts == std::map<std::string, std::int64_t>{{"unindexed", 1}});
        const auto evidence = Plain(file).one("SELECT evidence FROM tapline_salvage");
        CHECK_THAT(evidence, Catch::Contains(id));
    }
    SECTION("its record's header: it can't be decoded") {
        // payload length, rowid (2 bytes here), header length, serial types
        flip_bit(file, static_cast<std::int64_t>(at) - 12, 6);
        const auto report = salvage::salvage(file);
        CHECK(report.whole == usual.pours - 1);
        CHECK(report.doubtful >= 1);
    }
}

TEST_CASE("commits behind a broken frame of the -wal are saved, which SQLite drops") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {300, 120, 40});
    REQUIRE(in_child([&] {
                Plain writer(file);
                writer.exec("PRAGMA wal_autocheckpoint=0");
                for (int number = 301; number <= 400; ++number) {
                    writer.insert(release("gen8").insert, id_of(number), 100);
                }
                ::raise(SIGKILL);
            }) == -SIGKILL);
    const auto copy = dir / "copy.db";
    fs::copy_file(file, copy);
    fs::copy_file(file.string() + "-wal", copy.string() + "-wal");
    PageMap map;
    map.content = contents_of(copy);
    REQUIRE(map.content.size() == 400);
    const auto wal = file.string() + "-wal";
    SECTION("content") {
        flip_bit(wal, 32 + 20 * 4120 + 24 + 3000, 3);
    }
    SECTION("checksum") {
        flip_bit(wal, 32 + 20 * 4120 + 17, 3);
    }
    SECTION("page number") {
        flip_bit(wal, 32 + 20 * 4120 + 3, 3);
    }
    SECTION("salt") {
        flip_bit(wal, 32 + 20 * 4120 + 9, 3);
    }
    SECTION("header") {
        flip_bit(wal, 25, 3);
    }
    SECTION("a frame of zeros") {
        std::fstream stream(wal, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(32 + 20 * 4120);
        stream << std::string(4120, '\0');
    }
    const auto report = salvage::salvage(file);
    CHECK(report.damaged);
    CHECK(report.whole == 400);
    CHECK(report.doubtful == 0);
    CHECK(report.missing == 0);
    CHECK(whole_rows(file, map).size() == 400);
}

TEST_CASE("the damaged files are kept as they were") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {300, 120, 40});
    const auto map = map_pages(file);
    zero_page(file, map, map.rows.rbegin()->first);
    {
        std::ofstream wal(file.string() + "-wal", std::ios::binary);
        wal << "not a -wal";
    }
    const auto before = all_of(file);
    const auto report = salvage::salvage(file);
    REQUIRE(report.kept);
    CHECK(all_of(*report.kept / "journal.db") == before);
    CHECK(all_of(*report.kept / "journal.db-wal") == "not a -wal");
    CHECK(report.kept_sha256.size() == 64);
    CHECK(report.kept->filename().string().starts_with("local_journal.db.tapline-damaged-"));
}

TEST_CASE("a pour's number is never given twice after a salvage") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    zero_page(file, map, map.rows.rbegin()->first);
    CHECK(salvage::salvage(file).damaged);
    Plain writer(file);
    REQUIRE(writer.insert(release("gen8").insert, id_of(9000), 100) == SQLITE_OK);
    CHECK(std::stoll(writer.one("SELECT max(seq) FROM pours")) > usual.pours);
}

TEST_CASE("a salvaged journal is in WAL mode, with and without a tap that has it open") {
    for (const bool open : {false, true}) {
        const TempDir dir;
        const auto file = dir / "local_journal.db";
        make_known_journal(file, usual);
        const auto map = map_pages(file);
        zero_page(file, map, map.rows.begin()->first);
        std::optional<Plain> writer;
        if (open) {
            writer.emplace(file);
            REQUIRE(writer->insert(release("gen8").insert, id_of(9000), 100) == SQLITE_OK);
        }
        REQUIRE(salvage::salvage(file).changed);
        CHECK(Plain(file).one("PRAGMA journal_mode") == "wal");
    }
}

TEST_CASE("a file with no trace of a journal is refused") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::ofstream(file, std::ios::binary) << std::string(40'000, 'x');
    const auto before = all_of(file);
    CHECK_THROWS_AS(salvage::salvage(file), Error);
    CHECK(all_of(file) == before);
}

TEST_CASE("a salvaged journal is salvaged again without losing what was noted") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    auto map = map_pages(file);
    zero_page(file, map, *std::next(pages_of(map.entries).begin(), 2));
    const auto first = salvage::salvage(file);
    REQUIRE(first.doubtful > 0);
    Plain(file).exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto second_map = map_pages(file);
    zero_page(file, second_map, second_map.rows.rbegin()->first);
    const auto second = salvage::salvage(file);
    CHECK(second.changed);
    const auto noted = Plain(file).rows(
        "SELECT n.seq FROM tapline_salvage AS n JOIN pours AS p ON p.seq = n.seq "
        "WHERE n.evidence LIKE '%no index entry%'"
    );
    CHECK(static_cast<std::int64_t>(noted.size()) >= 1);
    for (const auto& [kind, count] : second.doubts) {
        CHECK(kind != "second");
    }
}

TEST_CASE("pours that the tap commits meanwhile are never lost") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    zero_page(file, map, nth(pages_of(map.rows), 1));
    Tap::Habit habit;
    habit.persistent = GENERATE(false, true);
    habit.pause_ms = GENERATE(5, 400);
    // A slow machine's clock isn't to decide here.
    habit.timeout_ms = 120'000;
    salvage::SalvageOptions options;
    options.deadline = 60s;
    Tap tap(file, habit);
    CHECK(salvage::salvage(file, options).changed);
    ::usleep(900'000);
    const auto poured = tap.stop();
    CHECK(poured.failed == 0);
    CHECK(poured.written > 0);
    const auto tap_rows = Plain(file).rows("SELECT client_tx_id FROM pours WHERE volume_ml = 100");
    int found = 0;
    for (int number = 100'000; number < 100'000 + poured.written; ++number) {
        found += std::count(tap_rows.begin(), tap_rows.end(), id_of(number)) == 1 ? 1 : 0;
    }
    CHECK(found == poured.written);
}

TEST_CASE("a tap never waits for a file whose reading takes longer than its patience") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    zero_page(file, map, map.rows.begin()->first);
    Plain writer(file);
    salvage::SalvageOptions options;
    options.deadline = 1ms;
    int number = 9'000;
    // A pour each time between the copy and the lock.
    options.progress = [&](std::string_view stage) {
        if (stage == "put it in place") {
            REQUIRE(writer.insert(release("gen8").insert, id_of(++number), 100) == SQLITE_OK);
        }
    };
    try {
        static_cast<void>(salvage::salvage(file, options));
        FAIL("it isn't refused");
    } catch (const Error& error) {
        CHECK(error.code() == "busy_tap");
        CHECK(std::string(error.what()).find("takes") != std::string::npos);
    }
    CHECK(number > 9'001);
    CHECK(dry_run(file).damaged);
}

TEST_CASE("SIGKILL at any moment leaves the old journal or the new one") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, usual);
    const auto map = map_pages(file);
    const auto lost = nth(pages_of(map.rows), 1);
    zero_page(file, map, lost);
    const auto expected = expect(map, usual, {lost});
    std::mt19937 random(4711);
    for (int i = 0; i < 30; ++i) {
        const auto micros = std::uniform_int_distribution<int>(1'000, 250'000)(random);
        in_child_killed_after([&] { static_cast<void>(salvage::salvage(file)); }, micros);
        const auto after = dry_run(file);
        if (!after.damaged) {
            break;
        }
        check_counts(after, expected);
    }
    static_cast<void>(salvage::salvage(file));
    CHECK(whole_rows(file, map) == expected.whole);
    CHECK(journal::check(file).problem.empty());
}
