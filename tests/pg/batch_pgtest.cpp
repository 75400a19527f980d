#include <atomic>

#include <catch2/catch.hpp>

#include "central/revision/half_done.hpp"
#include "tests/pg/revision_lab.hpp"

namespace tapline::test {

namespace {

using revision::Runner;

std::string batch(const std::string& until, const std::string& statement) {
    return "-- tapline: batch table=a key=id rows=10 until=\"" + until + "\"\n" + statement + ";";
}

const std::string count_up =
    batch("n = 0", "UPDATE a SET n = n + 1 WHERE id = ANY(:keys) AND n = 0");

struct Room {
    TestDatabase database{TestDatabase::Schema::empty};
    Files files;
    pg::Session session = database.connect();
    revision::RunOptions options = options_for(database);

    Room() {
        session.run("SET search_path = public");
        files.write(
            "aaaa",
            "",
            "CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, m int);",
            "DROP TABLE a;"
        );
        up();
        session.run("INSERT INTO a (id) SELECT i FROM generate_series(1, 95) i");
    }

    void up() { Runner(files.load(), options).upgrade("heads"); }

    std::int64_t number(const std::string& sql) { return session.run(sql)[0].integer(0); }

    void check_each_once(std::int64_t rows) {
        CHECK(number("SELECT count(*) FROM a WHERE n = 1") == rows);
        CHECK(number("SELECT count(*) FROM a WHERE n <> 1") == 0);
        CHECK(number("SELECT count(*) FROM tapline.revision_progress") == 0);
        CHECK(session.run("SELECT version_num FROM public.alembic_version")[0].text(0) == "bbbb");
    }
};

}  // namespace

TEST_CASE("Batch.EveryRowIsChangedOnceInPagesOfTheirOwnTransactions") {
    Room room;
    room.files.write("bbbb", "aaaa", count_up, "");
    room.up();
    room.check_each_once(95);
    CHECK(room.number("SELECT count(DISTINCT xmin::text) FROM a") == 10);
}

TEST_CASE("Batch.OrdinaryStatementsAroundItRunBeforeAndAfter") {
    Room room;
    room.files.write(
        "bbbb",
        "aaaa",
        "ALTER TABLE a ADD k int;\n" + count_up +
            "\nALTER TABLE a ADD CONSTRAINT n_one CHECK (n = 1);",
        ""
    );
    room.up();
    room.check_each_once(95);
    CHECK(room.number("SELECT count(*) FROM pg_constraint WHERE conname = 'n_one'") == 1);
}

TEST_CASE("Batch.RowsThatAppearBehindTheCursorAreNotMissed") {
    Room room;
    room.files.write("bbbb", "aaaa", count_up, "");
    int pages = 0;
    room.options.progress = [&](const revision::StatementProgress& at) {
        if (at.executed && ++pages == 5) {
            room.session.run("INSERT INTO a (id) SELECT -i FROM generate_series(1, 23) i");
        }
    };
    room.up();
    room.check_each_once(118);
}

TEST_CASE("Batch.AStoppedRunGoesOnFromItsCursor") {
    Room room;
    room.files.write("bbbb", "aaaa", count_up, "");
    std::atomic<bool> stop{false};
    int pages = 0;
    room.options.stop = &stop;
    room.options.progress = [&](const revision::StatementProgress& at) {
        stop = at.executed && ++pages == 3;
    };
    const Error error = error_of([&] { room.up(); });
    CHECK(error.code() == "stopped");
    CHECK(exit_code(error.kind()) == 3);
    CHECK(room.number("SELECT count(*) FROM a WHERE n = 1") == 30);
    const auto half = revision::HalfDoneLedger(room.session).all(revision::LineageName::app);
    REQUIRE(half.size() == 1);
    CHECK(half[0].last_key == "30");
    CHECK(half[0].rows == 30);
    stop = false;
    std::vector<std::string> said;
    room.options.progress = {};
    room.options.say = [&](const std::string& line) { said.push_back(line); };
    room.up();
    room.check_each_once(95);
    REQUIRE(said.size() >= 3);
    CHECK(said[1].find("goes on after piece 0 of 1") != std::string::npos);
    CHECK(said[2].find("65 rows to do") != std::string::npos);
}

TEST_CASE("Batch.AStopBetweenOrdinaryStatementsRollsTheirRevisionBack") {
    Room room;
    room.files.write("bbbb", "aaaa", "CREATE TABLE b (id int);", "");
    room.files.write("cccc", "bbbb", "CREATE TABLE c (id int);\nCREATE TABLE d (id int);", "");
    std::atomic<bool> stop{false};
    room.options.stop = &stop;
    room.options.progress = [&](const revision::StatementProgress& at) {
        stop = at.revision.id == "cccc" && at.executed;
    };
    CHECK(error_of([&] { room.up(); }).code() == "stopped");
    CHECK(
        room.number("SELECT count(*) FROM public.alembic_version WHERE version_num = 'bbbb'") == 1
    );
    CHECK(room.session.run("SELECT to_regclass('c') IS NULL")[0].boolean(0));
}

TEST_CASE("Batch.AStatementThatLeavesItsRowsToDoIsCaughtAtTheFirstPage") {
    Room room;
    room.files.write(
        "bbbb", "aaaa", batch("n = 0", "UPDATE a SET m = 1 WHERE id = ANY(:keys)"), ""
    );
    const Error error = error_of([&] { room.up(); });
    CHECK(error.code() == "batch_stuck");
    CHECK(std::string(error.what()).find("10 of 10 rows") != std::string::npos);
    CHECK(room.number("SELECT count(*) FROM a WHERE m = 1") == 0);
}

TEST_CASE("Batch.AnInsertCopiesEveryRowOnce") {
    Room room;
    room.session.run("CREATE TABLE copy (id int PRIMARY KEY)");
    room.files.write(
        "bbbb",
        "aaaa",
        batch(
            "NOT EXISTS (SELECT 1 FROM copy c WHERE c.id = a.id) -- not yet",
            "INSERT INTO copy (id) SELECT id FROM a WHERE id = ANY(:keys)"
        ),
        ""
    );
    room.up();
    CHECK(room.number("SELECT count(*) FROM copy") == 95);
}

TEST_CASE("Batch.AKeyThatMayBeNullOrIsNotThereIsRefused") {
    Room room;
    const std::string key = GENERATE("m", "nosuch");
    room.files.write(
        "bbbb",
        "aaaa",
        "-- tapline: batch table=a key=" + key +
            " rows=10 until=\"n = 0\"\nUPDATE a SET n = 1 WHERE id = ANY(:keys);",
        ""
    );
    CHECK(error_of([&] { room.up(); }).code() == "batch_key");
}

TEST_CASE("Batch.KeysOfTextWithQuotesAndUuidsArriveWhole") {
    Room room;
    room.session.run(
        "CREATE TABLE t (k text PRIMARY KEY, done boolean NOT NULL DEFAULT false);"
        "INSERT INTO t (k) VALUES ('a\"b'), ('c,d'), ('{e}'), (''), ('NULL'), ('\\f'), ('Ä')"
    );
    room.files.write(
        "bbbb",
        "aaaa",
        "-- tapline: batch table=public.t key=k rows=2 until=\"NOT done\"\n"
        "UPDATE t SET done = true WHERE k = ANY(:keys) AND ':keys' <> k;",
        ""
    );
    room.up();
    CHECK(room.number("SELECT count(*) FROM t WHERE done") == 7);
}

}  // namespace tapline::test
