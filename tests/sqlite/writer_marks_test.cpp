#include "agent/journal/writer_marks.hpp"

#include <catch2/catch.hpp>

#include "agent/journal/adopt.hpp"
#include "agent/journal/test_pour.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;
using journal::WriterRelease;

TEST_CASE("the newest pour of a guest tells whether its release has a setting for the loop") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 0);
    journal::adopt(file);
    journal::Database database(file);
    Plain writer(file);
    CHECK(journal::writer_release(database) == WriterRelease::unknown);
    int number = 0;
    for (const auto& [gen, expected] : std::vector<std::pair<std::string, WriterRelease>>{
             {"gen4", WriterRelease::before_settings},
             {"gen5", WriterRelease::before_settings},
             {"gen6", WriterRelease::around_settings},
             {"gen7", WriterRelease::honours_settings},
             {"gen8", WriterRelease::honours_settings}}) {
        CAPTURE(gen);
        ++number;
        REQUIRE(writer.insert(release(gen).insert, id_of(number), number) == 0);
        journal::TestPours(database).write(1);
        CHECK(journal::writer_release(database) == expected);
    }
}

TEST_CASE("the first mark on the bait or on one of the loop's next twenty rows is seen") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 0);
    journal::adopt(file);
    Plain writer(file);
    for (int number = 1; number <= 25; ++number) {
        REQUIRE(writer.insert(release("gen8").insert, id_of(number), number) == 0);
    }
    journal::Database database(file);
    journal::TestPours pours(database);
    journal::MarkWatch watch(database);
    const auto bait = pours.write_for_every_release(1, "2026-11-29T12:00:00+00:00");
    watch.add(bait.seq);
    CHECK_FALSE(watch.changed());
    writer.exec("UPDATE pours SET status = 'failed' WHERE seq = 22");
    CHECK_FALSE(watch.changed());
    SECTION("its status") {
        writer.exec("UPDATE pours SET status = 'failed' WHERE seq = " + std::to_string(bait.seq));
        const auto mark = watch.changed();
        REQUIRE(mark);
        CHECK(mark->seq == bait.seq);
        CHECK(mark->status == "failed");
    }
    SECTION("attempts of the twentieth") {
        writer.exec("UPDATE pours SET attempts = attempts + 1 WHERE seq = 20");
        const auto mark = watch.changed();
        REQUIRE(mark);
        CHECK(mark->seq == 20);
        CHECK(mark->status == "new");
        CHECK(mark->attempts == 1);
    }
}

TEST_CASE("test pours that were left new become held, and no guest's pour does") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 0);
    journal::adopt(file);
    Plain writer(file);
    REQUIRE(writer.insert(release("gen8").insert, id_of(1), 1) == 0);
    journal::Database database(file);
    journal::TestPours pours(database);
    for (int i = 0; i < 101; ++i) {
        pours.write_for_every_release(1, "2026-11-29T12:00:00+00:00");
    }
    CHECK(pours.hold_leftovers() == 100);
    CHECK(pours.hold_leftovers() == 1);
    CHECK(pours.hold_leftovers() == 0);
    CHECK(writer.one("SELECT count(*) FROM pours WHERE status = 'new'") == "1");
    CHECK(writer.one("SELECT status FROM pours WHERE seq = 1") == "new");
}
