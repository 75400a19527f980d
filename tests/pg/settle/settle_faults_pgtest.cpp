// Connections that break and programs that are killed, at every step of the transaction.
#include <csignal>
#include <cstdlib>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/settle/group.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

constexpr std::int64_t rows = 40;

FakeJournal full_journal() {
    FakeJournal journal(1);
    for (Seq seq = 1; seq <= rows; ++seq) {
        journal.add(pour(seq, fmt::format("id-{}", seq), 100));
    }
    return journal;
}

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    FakeJournal journal = full_journal();

    Room() {
        furnish(bar);
        journal.hello(session);
    }

    void check_settled_once() {
        CHECK(bar.number("SELECT count(*) FROM pours") == rows);
        CHECK(bar.number("SELECT count(*) FROM tapline.receipt") == rows);
        CHECK(bar.number("SELECT cursor FROM tapline.cursor") == rows);
        CHECK(bar.balance_cents(1) == 10'000 - rows * 45);
        CHECK(bar.keg_volume_ml(1) == 50'000 - rows * 100);
    }
};

/// Sends until it is acked, as an agent does.
void send_until_acked(settle::Settler& settler, const FakeJournal& journal) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        const auto outcome = send(settler, journal.controller(), journal.all());
        if (std::holds_alternative<wire::Ack>(outcome)) {
            return;
        }
        REQUIRE(problem(outcome).status == 503);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    FAIL("never acked");
}

}  // namespace

TEST_CASE("a backend terminated in mid-transaction gives 503, and the resend settles once") {
    Room room;
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    constexpr int rounds = 5;
    for (int round = 0; round < rounds; ++round) {
        std::thread killer([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(2 * round));
            auto session = room.database.connect();
            session.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'tapline settle%' AND datname = current_database()"
            );
        });
        const auto outcome =
            send(settler, "tap-1", room.journal.batch(1, rows / rounds * (round + 1)));
        CHECK((std::holds_alternative<wire::Ack>(outcome) || problem(outcome).status == 503));
        killer.join();
    }
    send_until_acked(settler, room.journal);
    room.check_settled_once();
}

TEST_CASE("a COMMIT whose answer is lost is settled once") {
    Room room;
    // The trigger runs inside COMMIT and ends the session's own backend: nobody gets an answer.
    room.session.run(
        "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON pours DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION planted()"
    );
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    const auto refused = problem(send(settler, "tap-1", room.journal.all()));
    CHECK(refused.status == 503);
    CHECK(refused.code == "unavailable");
    room.session.run("DROP TRIGGER planted ON pours");
    send_until_acked(settler, room.journal);
    room.check_settled_once();
}

TEST_CASE("a server that crashes is waited for") {
    Room room;
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    std::ignore = ack(send(settler, "tap-1", room.journal.batch(1, 10)));
    PgCluster::shared().crash_and_restart();
    send_until_acked(settler, room.journal);
    room.session = room.database.connect();
    room.check_settled_once();
}

// Run by the next test in a process of its own, which is killed; without its database, nothing.
TEST_CASE("child: settles ten rows at a time", "[.][settle_child]") {
    const char* url = std::getenv("TAPLINE_TEST_CHILD_URL");
    if (url == nullptr) {
        return;
    }
    const auto journal = full_journal();
    settle::Settler settler(options_for(url));
    wait_ready(settler);
    for (Seq seq = 1; seq <= rows; seq += 10) {
        std::ignore = send(settler, "tap-1", journal.batch(seq, seq + 9));
    }
}

TEST_CASE("killed with SIGKILL at any step, what was acked is there and nothing is there twice") {
    const std::string phase = GENERATE(
        as<std::string>{},
        "settle.begin",
        "settle.inserted",
        "settle.charged",
        "settle.commit",
        "settle.committed"
    );
    Room room;
    const auto url = room.database.url();
    const auto stop_at = phase + ":2";
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::setenv("TAPLINE_TEST_STOP_AT", stop_at.c_str(), 1);
        ::setenv("TAPLINE_TEST_CHILD_URL", url.c_str(), 1);
        ::execl("/proc/self/exe", "settle_child", "[settle_child]", nullptr);
        ::_exit(127);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
    const auto cursor = room.bar.number("SELECT cursor FROM tapline.cursor");
    const auto committed = phase == "settle.committed" ? 20 : 10;
    CHECK((cursor == committed || (phase == "settle.commit" && cursor == 20)));
    CHECK(room.bar.number("SELECT count(*) FROM pours") == cursor);
    settle::Settler settler(options_for(url));
    wait_ready(settler);
    send_until_acked(settler, room.journal);
    room.check_settled_once();
}

}  // namespace tapline::test
