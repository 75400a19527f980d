#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "central/revision/half_done.hpp"
#include "tests/pg/revision_lab.hpp"

namespace tapline::test {

namespace {

using revision::Runner;

constexpr const char* alone = " transaction=off";

struct Room {
    TestDatabase database{TestDatabase::Schema::empty};
    Files files;
    pg::Session session = database.connect();

    Room() {
        session.run("SET search_path = public");
        files.write(
            "aaaa",
            "",
            "CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, x int);"
            "CREATE TYPE mood AS ENUM ('dry');",
            "DROP TABLE a; DROP TYPE mood;"
        );
        up();
        session.run("INSERT INTO a (id, x) SELECT i, i FROM generate_series(1, 95) i");
    }

    void up() { Runner(files.load(), options_for(database)).upgrade("heads"); }

    Error up_error() {
        return error_of([&] { up(); });
    }

    std::string text(const std::string& sql) { return std::string(session.run(sql)[0].text(0)); }

    std::string head() { return text("SELECT version_num FROM public.alembic_version"); }

    bool valid(const std::string& index) {
        return text(
                   "SELECT coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = "
                   "to_regclass('" +
                   index + "')), false)"
               ) == "t";
    }

    std::vector<revision::HalfDone> half_done() {
        return revision::HalfDoneLedger(session).all(revision::LineageName::app);
    }

    /// The next run ends (as a kill would) when `revision` has executed its n-th statement.
    void stop_after(std::size_t statement) {
        const auto set = files.load();
        auto options = options_for(database);
        options.progress = [&](const revision::StatementProgress& at) {
            if (at.executed && at.statement == statement) {
                throw Error(ErrorKind::bug, "killed", "as if killed");
            }
        };
        CHECK(error_of([&] { Runner(set, options).upgrade("heads"); }).code() == "killed");
    }
};

}  // namespace

TEST_CASE("Pieces.AnIndexIsBuiltConcurrentlyAndTheVersionMoves") {
    Room room;
    room.files.write(
        "bbbb",
        "aaaa",
        "CREATE INDEX CONCURRENTLY a_x ON a (x); ANALYZE a;",
        "DROP INDEX CONCURRENTLY a_x;",
        alone
    );
    room.up();
    CHECK(room.valid("a_x"));
    CHECK(room.head() == "bbbb");
    CHECK(room.half_done().empty());
    CHECK(room.text("SELECT count(*) FROM tapline.revision_log WHERE outcome = 'failed'") == "0");
    CHECK(room.text("SHOW search_path").find("public") != std::string::npos);
}

TEST_CASE("Pieces.AFailedBuildLeavesNoInvalidIndexAndGoesOnOnceTheDataIsRight") {
    Room room;
    room.session.run("UPDATE a SET x = 1 WHERE id = 2");
    room.files.write(
        "bbbb",
        "aaaa",
        "CREATE INDEX CONCURRENTLY a_n ON a (n);"
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x);",
        "",
        alone
    );
    room.files.write("cccc", "bbbb", "SELECT 1;", "");
    const Error error = room.up_error();
    CHECK(error.sqlstate() == "23505");
    CHECK(std::string(error.what()).find("bbbb_x.sql line") != std::string::npos);
    CHECK(room.valid("a_n"));
    CHECK(room.text("SELECT to_regclass('a_x') IS NULL") == "t");
    CHECK(room.head() == "aaaa");
    REQUIRE(room.half_done().size() == 1);
    CHECK(room.half_done()[0].pieces == 1);

    const auto set = room.files.load();
    const Error other =
        error_of([&] { Runner(set, options_for(room.database)).downgrade("base"); });
    CHECK(other.code() == "half_done");
    CHECK(exit_code(other.kind()) == 3);
    CHECK(other.hint().find("upgrade --lineage app bbbb") != std::string::npos);
    CHECK(error_of([&] {
              Runner(set, options_for(room.database)).stamp({"cccc"});
          }).code() == "half_done");

    room.session.run("UPDATE a SET x = 2 WHERE id = 2");
    room.up();
    CHECK(room.valid("a_x"));
    CHECK(room.head() == "cccc");
    CHECK(room.half_done().empty());
}

TEST_CASE("Pieces.AnInvalidIndexOfTheSameNameIsBuiltAnewAlsoWithIfNotExists") {
    Room room;
    room.session.run("UPDATE a SET x = 1 WHERE id = 2");
    CHECK_THROWS(room.session.run("CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x)"));
    REQUIRE(room.text("SELECT to_regclass('a_x') IS NULL") == "f");
    REQUIRE_FALSE(room.valid("a_x"));
    room.session.run("UPDATE a SET x = 2 WHERE id = 2");
    room.files.write(
        "bbbb", "aaaa", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x);", "", alone
    );
    room.up();
    CHECK(room.valid("a_x"));
}

TEST_CASE("Pieces.WhatHappenedBeforeACrashIsNotDoneAgain") {
    struct Case {
        const char* prepare;
        const char* statement;
        const char* fact;  ///< a text that a second run would change
    };

    const auto one = GENERATE(
        Case{"SELECT 1", "CREATE INDEX CONCURRENTLY a_x ON a (x)", "SELECT 'a_x'::regclass::oid"},
        Case{
            "CREATE INDEX a_x ON a (x)",
            "DROP INDEX CONCURRENTLY a_x",
            "SELECT to_regclass('a_x') IS NULL"},
        Case{
            "CREATE INDEX a_x ON a (x)",
            "REINDEX INDEX CONCURRENTLY a_x",
            "SELECT 'a_x'::regclass::oid"},
        Case{
            "CREATE INDEX a_x ON a (x)",
            "REINDEX TABLE CONCURRENTLY a",
            "SELECT 'a_x'::regclass::oid"},
        Case{
            "CREATE TABLE p (id int) PARTITION BY LIST (id);"
            "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
            "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'p'::regclass"},
        Case{
            "SELECT 1",
            "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'wet'",
            "SELECT count(*) FROM pg_enum WHERE enumtypid = 'mood'::regtype"},
        Case{
            "ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
            "ALTER TABLE a VALIDATE CONSTRAINT c",
            "SELECT convalidated FROM pg_constraint WHERE conname = 'c'"},
        Case{"SELECT 1", "VACUUM a", "SELECT 1"},
        Case{"SELECT 1", "VACUUM (ANALYZE) a", "SELECT 1"}
    );
    CAPTURE(one.statement);
    Room room;
    room.session.run(one.prepare);
    room.files.write("bbbb", "aaaa", std::string(one.statement) + ";", "", alone);
    room.stop_after(0);
    CHECK(room.head() == "aaaa");
    REQUIRE(room.half_done().size() == 1);
    CHECK(room.half_done()[0].started);
    const std::string after_crash = room.text(one.fact);
    room.up();
    CHECK(room.text(one.fact) == after_crash);
    CHECK(room.head() == "bbbb");
}

TEST_CASE("Pieces.WhatNoCatalogCanTellOfIsRefusedBeforeAnything") {
    const std::string statement = GENERATE(
        "UPDATE a SET x = 0",
        "CREATE INDEX a_x ON a (x)",
        "CREATE INDEX CONCURRENTLY ON a (x)",
        "ALTER TYPE mood ADD VALUE 'wet'",
        "ALTER TABLE a ADD y int",
        "ALTER TABLE a VALIDATE CONSTRAINT c, ADD y int",
        "DROP INDEX CONCURRENTLY b, c",
        "REINDEX TABLE a",
        "DROP TABLE a"
    );
    CAPTURE(statement);
    Room room;
    room.files.write("bbbb", "aaaa", "CREATE TABLE b (id int);", "");
    room.files.write("cccc", "bbbb", "ANALYZE a; " + statement + ";", "", alone);
    const Error error = room.up_error();
    CHECK(error.code() == "not_alone");
    CHECK(exit_code(error.kind()) == 2);
    CHECK(std::string(error.what()).find("cccc_x.sql line 8") != std::string::npos);
    CHECK(room.head() == "aaaa");
}

TEST_CASE("Pieces.ADetachThatWasCutIsFinalized") {
    Room room;
    room.session.run(
        "CREATE TABLE p (id int) PARTITION BY LIST (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)"
    );
    {
        pg::Session reader = room.database.connect();
        pg::Transaction reading(reader);
        reader.run("SELECT count(*) FROM p");
        room.session.run("SET lock_timeout = '300ms'");
        CHECK_THROWS(room.session.run("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY"));
    }
    REQUIRE(
        room.text("SELECT inhdetachpending FROM pg_inherits WHERE inhparent = 'p'::regclass") == "t"
    );
    room.files.write("bbbb", "aaaa", "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY;", "", alone);
    room.up();
    CHECK(room.text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'p'::regclass") == "0");
    CHECK(room.head() == "bbbb");
}

TEST_CASE("Pieces.AHalfDoneFileThatWasChangedIsRefused") {
    Room room;
    room.files.write(
        "bbbb", "aaaa", "ANALYZE a; CREATE INDEX CONCURRENTLY a_x ON a (x);", "", alone
    );
    room.stop_after(1);
    room.files.write(
        "bbbb", "aaaa", "ANALYZE a; CREATE INDEX CONCURRENTLY a_y ON a (x);", "", alone
    );
    CHECK(room.up_error().code() == "half_done_changed");
    CHECK(room.half_done().size() == 1);
}

TEST_CASE("Pieces.TwoRunnersOneOfThemBuildingBothEndWell") {
    Room room;
    room.files.write("bbbb", "aaaa", "CREATE INDEX CONCURRENTLY a_x ON a (x);", "", alone);
    const auto set = room.files.load();
    // An old snapshot makes the build wait, so that both are really at it together.
    pg::Session reader = room.database.connect();
    pg::Transaction reading(reader);
    reader.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    reader.run("SELECT count(*) FROM a");
    std::array<std::size_t, 2> done{};
    std::vector<std::thread> runners;
    for (std::size_t& steps : done) {
        runners.emplace_back([&] {
            steps = Runner(set, options_for(room.database)).upgrade("heads").steps.size();
        });
    }
    // The build waits for our snapshot now (it has taken its locks); the other one polls.
    for (int i = 0; i < 1'000 && room.text("SELECT count(*) FROM pg_stat_progress_create_index "
                                           "WHERE phase LIKE 'waiting%'") == "0";
         ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    reading.rollback();
    for (std::thread& each : runners) {
        each.join();
    }
    CHECK(done[0] + done[1] == 1);
    CHECK(room.valid("a_x"));
    CHECK(room.head() == "bbbb");
}

}  // namespace tapline::test
