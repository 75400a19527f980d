// How the next start knows that the last stop was none, and what it looks at then.
#include <csignal>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "agent/journal/journal.hpp"
#include "agent/salvage/salvage.hpp"
#include "tests/sqlite/damage.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

TEST_CASE("the mark of a killed holder is seen once, and not after a clean end") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {40, 20, 20});
    CHECK_FALSE(journal::Journal::open(file)->left_behind());
    REQUIRE(in_child([&] {
                const auto journal = journal::Journal::open(file);
                ::raise(SIGKILL);
            }) == -SIGKILL);
    CHECK(journal::Journal::open(file)->left_behind());
    CHECK_FALSE(journal::Journal::open(file)->left_behind());
}

TEST_CASE("after a kill a journal whose -wal is broken isn't opened over its lost commits") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {40, 20, 20});
    REQUIRE(in_child([&] {
                const auto journal = journal::Journal::open(file);
                Plain writer(file);
                writer.exec("PRAGMA wal_autocheckpoint=0");
                for (int number = 41; number <= 60; ++number) {
                    writer.insert(release("gen8").insert, id_of(number), 100);
                }
                ::raise(SIGKILL);
            }) == -SIGKILL);
    flip_bit(file.string() + "-wal", 32 + 10 * 4120 + 24 + 3000, 3);
    for (int i = 0; i < 2; ++i) {
        CHECK_THROWS_WITH(journal::Journal::open(file), Catch::Contains("don't add up"));
    }
    CHECK(salvage::salvage(file).whole == 60);
    CHECK(journal::Journal::open(file)->counts().max_seq == 61);
}

TEST_CASE("a power cut that tears commits of the agent's own is no damage") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {40, 30, 20});
    REQUIRE(in_child([&] {
                const auto journal = journal::Journal::open(file);
                Plain writer(file);
                writer.exec("PRAGMA wal_autocheckpoint=0");
                writer.insert(release("gen8").insert, id_of(41), 100);
                journal->note_prunable(10);
                journal->note_prunable(11);
                journal->note_prunable(12);
                ::raise(SIGKILL);
            }) == -SIGKILL);
    const auto wal = file.string() + "-wal";
    const auto frames = (static_cast<std::int64_t>(fs::file_size(wal)) - 32) / 4120;
    flip_bit(wal, 32 + (frames - 3) * 4120 + 24 + 3000, 3);
    CHECK_THROWS_WITH(journal::Journal::open(file), Catch::Contains("don't add up"));
    const auto report = salvage::salvage(file);
    CHECK_FALSE(report.damaged);
    CHECK_FALSE(report.changed);
    CHECK_FALSE(report.kept);
    const auto journal = journal::Journal::open(file);
    CHECK(journal->counts().max_seq == 41);
    CHECK(journal->identity().prunable_through == 0);
    CHECK_FALSE(journal->identity().salvaged);
}
