#include <chrono>
#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "central/pg/session.hpp"
#include "common/error.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

using std::chrono::milliseconds;

constexpr pg::Statement add_row{"add_row", "INSERT INTO t (id, name) VALUES ($1, $2)"};
constexpr pg::Statement count_rows{"count_rows", "SELECT count(*) FROM t"};

template <typename Call>
Error error_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::bug, "no_error", "nothing was thrown"};
}

pg::Session with_table(const TestDatabase& database) {
    pg::Session session = database.connect();
    session.run("CREATE TABLE t (id int PRIMARY KEY, name text)");
    return session;
}

}  // namespace

TEST_CASE("Session.CommitKeepsAndUnwindingRollsBack") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = with_table(database);
    {
        pg::Transaction transaction(session);
        session.exec(add_row, 1, "kept");
        transaction.commit();
    }
    {
        pg::Transaction transaction(session);
        session.exec(add_row, 2, nullptr);
        CHECK(session.exec(count_rows)[0].integer(0) == 2);
    }
    CHECK_FALSE(session.in_transaction());
    CHECK(session.exec(count_rows)[0].integer(0) == 1);
}

TEST_CASE("Session.ParametersOfEachKindArrive") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    const std::string quoted = "it's \"quoted\" \\ and $1";
    const pg::Result row = session.query(
        "SELECT $1::text, $2::text, $3::bigint, $4::boolean, $5::text, $6::int",
        quoted,
        nullptr,
        std::int64_t{-9'007'199'254'740'993},
        true,
        std::string("owned"),
        std::optional<std::int64_t>()
    );
    CHECK(row[0].text(0) == quoted);
    CHECK(row[0].is_null(1));
    CHECK(row[0].integer(2) == -9'007'199'254'740'993);
    CHECK(row[0].boolean(3));
    CHECK(row[0].text(4) == "owned");
    CHECK_FALSE(row[0].optional_integer(5));
    CHECK(row.column_name(0) == "text");
    const std::string zero("a\0b", 3);
    CHECK(error_of([&] { session.query("SELECT $1::text", zero); }).code() == "nul_byte");
    CHECK(error_of([&] { (void)row[0].integer(0); }).code() == "result_type");
}

TEST_CASE("Session.AFailedRowUnderASavepointLeavesTheRestAlone") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = with_table(database);
    pg::Transaction transaction(session);
    session.exec(add_row, 1, "first");
    {
        const pg::Savepoint savepoint(session);
        const Error error = error_of([&] { session.exec(add_row, 1, "again"); });
        CHECK(error.kind() == ErrorKind::pg);
        CHECK(error.code() == "statement_failed");
        CHECK(error.sqlstate() == "23505");
    }
    {
        pg::Savepoint outer(session);
        session.exec(add_row, 2, "second");
        {
            pg::Savepoint inner(session);
            session.exec(add_row, 3, "third");
        }
        outer.release();
    }
    transaction.commit();
    CHECK(session.exec(count_rows)[0].integer(0) == 2);
}

TEST_CASE("Session.AFailedTransactionCannotBeCommitted") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = with_table(database);
    pg::Transaction transaction(session);
    session.exec(add_row, 1, "lost");
    CHECK_THROWS_AS(session.run("SELECT 1/0"), Error);
    CHECK(error_of([&] { transaction.commit(); }).sqlstate() == "25P02");
    transaction.rollback();
    CHECK(session.exec(count_rows)[0].integer(0) == 0);
}

TEST_CASE("Session.ARefusedCommitIsNotInDoubt") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    session.run("CREATE TABLE d (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    pg::Transaction transaction(session);
    session.run("INSERT INTO d VALUES (1), (1)");
    const Error error = error_of([&] { transaction.commit(); });
    CHECK(error.kind() == ErrorKind::pg);
    CHECK(error.sqlstate() == "23505");
    CHECK_FALSE(session.in_transaction());
}

TEST_CASE("Session.LockAndTimeLimitsHaveTheirOwnCodes") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session holder = with_table(database);
    pg::Session waiter = database.connect();
    pg::Transaction holding(holder);
    holder.run("LOCK TABLE t");
    {
        pg::Transaction waiting(waiter);
        waiter.set_local_timeouts(milliseconds(50), milliseconds(0));
        CHECK(error_of([&] { waiter.exec(count_rows); }).code() == "lock_timeout");
    }
    pg::Transaction slow(waiter);
    waiter.set_local_timeouts(milliseconds(0), milliseconds(50));
    CHECK(error_of([&] { waiter.run("SELECT pg_sleep(5)"); }).code() == "canceled");
}

TEST_CASE("Session.CancelFromAnotherThreadStopsTheStatement") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    pg::Session observer = database.connect();
    const std::string pid = std::to_string(session.backend_pid());
    auto sleeping = std::async(std::launch::async, [&] {
        return error_of([&] { session.run("SELECT pg_sleep(30)"); }).code();
    });
    while (observer.query("SELECT state FROM pg_stat_activity WHERE pid = $1::int", pid)[0].text(0
           ) != "active") {
        std::this_thread::sleep_for(milliseconds(5));
    }
    session.cancel();
    CHECK(sleeping.get() == "canceled");
    CHECK(session.is_alive());
}

TEST_CASE("Session.ALostConnectionIsNeverTheStatementsFault") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = with_table(database);
    pg::Session killer = database.connect();
    {
        pg::Transaction transaction(session);
        session.exec(add_row, 1, "lost");
        killer.query("SELECT pg_terminate_backend($1::int)", session.backend_pid());
        const Error error = error_of([&] { session.exec(count_rows); });
        CHECK(error.kind() == ErrorKind::unreachable);
        CHECK(error.code() == "connection_lost");
        CHECK_FALSE(session.is_open());
        // Never a new connection behind the caller's back: its transaction would be gone untold.
        CHECK(error_of([&] { session.exec(count_rows); }).code() == "connection_lost");
    }
    CHECK_FALSE(session.is_alive());
    CHECK(killer.run("SELECT count(*) FROM t")[0].integer(0) == 0);
}

TEST_CASE("Session.AConnectionThatBreaksInCommitIsInDoubt") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    session.run(
        "CREATE TABLE d (id int);"
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON d DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION cut()"
    );
    pg::Transaction transaction(session);
    session.run("INSERT INTO d VALUES (1)");
    const Error error = error_of([&] { transaction.commit(); });
    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(error.code() == "in_doubt");
}

TEST_CASE("Session.NobodyThereIsUnreachable") {
    const Error error = error_of([] {
        const pg::Session session(
            {.url = "postgresql://nobody:geheim@127.0.0.1:1/none", .application_name = "test"}
        );
    });
    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(error.code() == "connect_failed");
    CHECK(std::string(error.what()).find("geheim") == std::string::npos);
}

TEST_CASE("Session.SettingsThatResultsDependOnAreOurs") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    CHECK(
        session.run("SELECT '2026-01-02 03:04:05+00'::timestamptz")[0].text(0) ==
        "2026-01-02 03:04:05+00"
    );
    CHECK(session.run("SHOW synchronous_commit")[0].text(0) == "off");
    CHECK(session.run("SHOW application_name")[0].text(0) == "test");
}

TEST_CASE("Session.FourThousandRowsAreReadInTime") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    const pg::Result rows =
        session.run("SELECT n, md5(n::text), n % 2 = 0 FROM generate_series(1, 4000) AS n");
    std::int64_t sum = 0;
    for (const pg::Row row : rows) {
        sum += row.integer(0);
    }
    CHECK(sum == 4'000 * 4'001 / 2);
}

}  // namespace tapline::test
