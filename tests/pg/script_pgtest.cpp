// `upgrade --sql`, run by psql as an operator would.
#include <array>
#include <cstdio>

#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "central/revision/script.hpp"
#include "tests/pg/revision_lab.hpp"

namespace tapline::test {

namespace {

using revision::Direction;
using revision::Runner;

struct Ran {
    int code = -1;
    std::string output;
};

Ran psql(const TestDatabase& database, const std::string& script) {
    const fs::path file =
        fs::temp_directory_path() / fmt::format("tapline-script-{}.sql", getpid());
    std::ofstream(file) << script;
    const std::string command =
        fmt::format("psql -X -q -f '{}' '{}' 2>&1", file.string(), database.url());
    Ran ran;
    FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> block{};
    while (const std::size_t got = fread(block.data(), 1, block.size(), pipe)) {
        ran.output.append(block.data(), got);
    }
    const int status = pclose(pipe);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    fs::remove(file);
    return ran;
}

std::string script(const revision::LineageSet& set, Direction direction, const std::string& range) {
    return revision::offline_script(set, revision::plan_set_offline(set, direction, range));
}

struct Room {
    TestDatabase database{TestDatabase::Schema::empty};
    Files files;

    Room() {
        files.write("aaaa", "", "CREATE TABLE a (t text DEFAULT 'it''s; -- x');", "DROP TABLE a;");
        files.write(
            "bbbb",
            "aaaa",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\nINSERT INTO a "
            "VALUES (E'\\\\');",
            "DROP FUNCTION f();"
        );
    }

    /// The bar's alone: a range that begins at an id is about one lineage.
    [[nodiscard]] revision::LineageSet load() const {
        revision::LineageSet set = files.load();
        set.pop_back();
        return set;
    }

    std::string version() {
        return std::string(
            database.connect()
                .run("SELECT string_agg(version_num, ' ') FROM public.alembic_version")[0]
                .text(0)
        );
    }
};

}  // namespace

TEST_CASE("Script.BothLineagesComeOutAsFromTheRunner") {
    TestDatabase by_script(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    const Ran ran = psql(by_script, script(set, Direction::upgrade, "base:heads"));
    INFO(ran.output);
    CHECK(ran.code == 0);
    CHECK(heads_of(by_script, set) == all_heads(set));
    // The runner takes it from there as its own: digests are known, there is nothing to do.
    CHECK(Runner(set, options_for(by_script)).upgrade("heads").steps.empty());
    Runner(set, options_for(by_script)).downgrade("base");
    CHECK(heads_of(by_script, set) == at_base);
}

TEST_CASE("Script.UpAndDownLeaveTheirLinesInTheLog") {
    Room room;
    const revision::LineageSet set = room.load();
    CHECK(psql(room.database, script(set, Direction::upgrade, "base:bbbb")).code == 0);
    CHECK(room.version() == "bbbb");
    CHECK(psql(room.database, script(set, Direction::downgrade, "bbbb:aaaa")).code == 0);
    CHECK(room.version() == "aaaa");
    pg::Session session = room.database.connect();
    CHECK(
        session
            .run("SELECT string_agg(action || ' ' || revision_id || ' ' || outcome, ',' ORDER BY "
                 "log_id) FROM tapline.revision_log")[0]
            .text(0) == "upgrade aaaa done,upgrade bbbb done,downgrade bbbb done"
    );
}

TEST_CASE("Script.AnotherDatabaseThanItWasMadeForIsLeftAlone") {
    Room room;
    const revision::LineageSet set = room.load();
    const Ran behind = psql(room.database, script(set, Direction::upgrade, "aaaa:bbbb"));
    CHECK(behind.code == 3);
    CHECK(behind.output.find("is at {}, and the script goes on from {aaaa}") != std::string::npos);
    CHECK(room.database.connect()
              .run("SELECT to_regclass('tapline.revision_log') IS NULL")[0]
              .boolean(0));
    REQUIRE(psql(room.database, script(set, Direction::upgrade, "base:bbbb")).code == 0);
    const Ran again = psql(room.database, script(set, Direction::upgrade, "base:bbbb"));
    CHECK(again.code == 3);
    CHECK(again.output.find("is at {bbbb}") != std::string::npos);
}

TEST_CASE("Script.AFileThatWasChangedSinceItWasAppliedStopsIt") {
    Room room;
    Runner(room.load(), options_for(room.database)).upgrade("aaaa");
    room.files.write("aaaa", "", "CREATE TABLE a (t varchar);", "DROP TABLE a;");
    const Ran ran = psql(room.database, script(room.load(), Direction::upgrade, "aaaa:bbbb"));
    CHECK(ran.code == 3);
    CHECK(
        ran.output.find("changed after it was applied to this database: aaaa") != std::string::npos
    );
    CHECK(room.version() == "aaaa");
}

TEST_CASE("Script.ItStopsAtTheFirstErrorAndKeepsWhatWasCommitted") {
    Room room;
    room.files.write("cccc", "bbbb", "CREATE TABLE c (id int);\nSELECT 1 / 0;", "");
    room.files.write("dddd", "cccc", "CREATE TABLE d (id int);", "");
    const Ran ran = psql(room.database, script(room.load(), Direction::upgrade, "base:heads"));
    CHECK(ran.code == 3);
    CHECK(room.version() == "bbbb");
    pg::Session session = room.database.connect();
    CHECK(session.run("SELECT to_regclass('c') IS NULL AND to_regclass('d') IS NULL")[0].boolean(0)
    );
}

TEST_CASE("Script.WhatCommitsInPiecesIsNamedAndNotWritten") {
    Room room;
    room.files.write(
        "cccc", "bbbb", "CREATE INDEX CONCURRENTLY a_t ON a (t);", "", " transaction=off"
    );
    const revision::LineageSet set = room.load();
    const Error error = error_of([&] { (void)script(set, Direction::upgrade, "base:heads"); });
    CHECK(error.code() == "offline_pieces");
    CHECK(error.hint().find("tapline-central upgrade cccc") != std::string::npos);
}

TEST_CASE("Script.WhileARunnerIsAtWorkItDoesNothing") {
    Room room;
    pg::Session other = room.database.connect();
    other.run(fmt::format("SELECT pg_advisory_lock({})", revision::runner_lock_key));
    const Ran ran = psql(room.database, script(room.load(), Direction::upgrade, "base:heads"));
    CHECK(ran.code == 3);
    CHECK(ran.output.find("another upgrade of this database runs") != std::string::npos);
}

}  // namespace tapline::test
