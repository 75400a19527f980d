// Group, batch, row: what one journal breaks, the others don't feel.
#include <algorithm>
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/settle/quarantine.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// Two controllers; tap-2 pours for guest 2.
struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    settle::Settler settler{options_for(database.url())};
    FakeJournal good{1};
    FakeJournal bad{2, "tap-2"};

    Room() {
        furnish(bar);
        bar.guest(2, 10'000);
        bar.card("00000002", 2);
        bar.keg(2, 50'000, 450);
        bar.tap(2, 2);
        good.hello(session);
        bad.hello(session);
        for (Seq seq = 1; seq <= 20; ++seq) {
            good.add(pour(seq, fmt::format("good-{}", seq), 100));
            auto row = pour(seq, fmt::format("bad-{}", seq), 100);
            set(row, "card_uid", Text{"00000002"});
            set(row, "tap_id", std::int64_t{2});
            bad.add(row);
        }
        wait_ready(settler);
    }

    /// The good controller sends one pour after the other beside the bad one; longest wait for an
    /// ack.
    std::chrono::milliseconds longest_wait_beside(std::vector<settle::Outcome>& bad_outcomes) {
        std::thread beside([&] { bad_outcomes.push_back(send(settler, "tap-2", bad.all())); });
        auto longest = SteadyClock::duration::zero();
        for (Seq seq = 1; seq <= 20; ++seq) {
            const auto began = SteadyClock::now();
            std::ignore = ack(send(settler, "tap-1", good.batch(seq, seq)));
            longest = std::max(longest, SteadyClock::now() - began);
        }
        beside.join();
        return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
    }
};

}  // namespace

TEST_CASE("a planted CHECK sends only the rows that break it to quarantine") {
    Room room;
    room.session.run("ALTER TABLE pours ADD CONSTRAINT planted CHECK (client_tx_id <> 'bad-7')");
    std::vector<settle::Outcome> outcomes;
    const auto longest = room.longest_wait_beside(outcomes);
    const auto answer = ack(outcomes.at(0));
    REQUIRE(answer.quarantined.size() == 1);
    CHECK(answer.quarantined[0].seq == 7);
    CHECK(answer.quarantined[0].code == "settle_error/23514");
    CHECK(longest < std::chrono::milliseconds(1'000));
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 39);
    CHECK(room.bar.balance_cents(2) == 10'000 - 19 * 45);
    CHECK(room.bar.keg_volume_ml(2) == 50'000 - 19 * 100);
}

TEST_CASE("a trigger that raises keeps its rows in quarantine and nothing else") {
    Room room;
    room.session.run(
        "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this tap'; END $$;"
        "CREATE TRIGGER planted BEFORE INSERT ON pours FOR EACH ROW WHEN (NEW.tap_id = 2)"
        " EXECUTE FUNCTION planted()"
    );
    std::vector<settle::Outcome> outcomes;
    const auto longest = room.longest_wait_beside(outcomes);
    const auto answer = ack(outcomes.at(0));
    CHECK(answer.quarantined.size() == 20);
    CHECK(answer.quarantined.at(0).code == "settle_error/P0001");
    CHECK(answer.acked_through == 20);
    CHECK(longest < std::chrono::milliseconds(1'000));
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 20);
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 20);
    CHECK(room.bar.balance_cents(2) == 10'000);
}

TEST_CASE("a constraint that is only checked at COMMIT finds its row all the same") {
    Room room;
    room.session.run(
        "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'too late'; END $$;"
        "CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON pours DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.client_tx_id = 'bad-20') EXECUTE FUNCTION planted()"
    );
    const auto outcomes =
        send_all(room.settler, {{"tap-1", room.good.all()}, {"tap-2", room.bad.all()}});
    CHECK(ack(outcomes[0]).quarantined.empty());
    const auto answer = ack(outcomes[1]);
    REQUIRE(answer.quarantined.size() == 1);
    CHECK(answer.quarantined[0].seq == 20);
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 39);
}

TEST_CASE("a guest row locked by an idle session costs only its own journal a retry") {
    Room room;
    auto idle = room.database.connect();
    pg::Transaction transaction(idle);
    SECTION("for update") {
        idle.query("SELECT 1 FROM guests WHERE guest_id = $1::uuid FOR UPDATE", guest_id(2));
    }
    SECTION("by a balance that isn't committed") {
        idle.query("UPDATE guests SET balance = 5 WHERE guest_id = $1::uuid", guest_id(2));
    }
    std::vector<settle::Outcome> outcomes;
    const auto longest = room.longest_wait_beside(outcomes);
    const auto refused = problem(outcomes.at(0));
    CHECK(refused.status == 503);
    CHECK(refused.code == "busy");
    CHECK(refused.action == "retry");
    CHECK(longest < std::chrono::milliseconds(1'000));
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 0);
    transaction.rollback();
    CHECK(ack(send(room.settler, "tap-2", room.bad.all())).acked_through == 20);
    CHECK(room.bar.balance_cents(2) == 10'000 - 20 * 45);
}

TEST_CASE("a penalised journal's later batches don't come near the fast lane") {
    Room room;
    room.session.run("ALTER TABLE pours ADD CONSTRAINT planted CHECK (tap_id <> 2)");
    std::ignore = ack(send(room.settler, "tap-2", room.bad.batch(1, 5)));
    room.session.run("ALTER TABLE pours DROP CONSTRAINT planted");
    const auto answer = ack(send(room.settler, "tap-2", room.bad.batch(6, 20)));
    CHECK(answer.quarantined.empty());
    CHECK(
        room.bar.text("SELECT application_name FROM pg_stat_activity WHERE application_name LIKE"
                      " 'tapline settle%' ORDER BY state_change DESC LIMIT 1"
        ) == "tapline settle slow"
    );
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 15);
}

TEST_CASE("settling is durable even where the server's default is not") {
    Room room;
    REQUIRE(room.bar.text("SHOW synchronous_commit") == "off");
    room.session.run(
        "CREATE TABLE seen (setting text);"
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
        "CREATE TRIGGER look AFTER INSERT ON pours FOR EACH STATEMENT EXECUTE FUNCTION look()"
    );
    SECTION("in a group") {
        std::ignore = ack(send(room.settler, "tap-1", room.good.all()));
    }
    SECTION("row by row") {
        room.session.run("ALTER TABLE pours ADD CONSTRAINT planted CHECK (client_tx_id <> 'good-7')"
        );
        std::ignore = ack(send(room.settler, "tap-1", room.good.all()));
    }
    CHECK(room.bar.number("SELECT count(*) FROM seen") >= 1);
    CHECK(room.bar.number("SELECT count(*) FROM seen WHERE setting <> 'on'") == 0);
}

TEST_CASE("a table altered beside the prepared statements costs a retry, and no row is blamed") {
    const std::string alter = GENERATE(
        "ALTER TABLE cards ALTER card_uid TYPE varchar(",
        "ALTER TABLE pours ALTER card_uid TYPE varchar(",
        "ALTER TABLE taps ALTER status TYPE varchar("
    );
    CAPTURE(alter);
    Room room;
    std::ignore = ack(send(room.settler, "tap-1", room.good.batch(1, 5)));
    Seq next = 6;
    for (const int width : {64, 70, 80}) {
        room.session.run(alter + std::to_string(width) + ")");
        for (int i = 0; i < 4; ++i, ++next) {
            settle::Outcome outcome;
            // The session goes away with its plans; an agent is told to come again.
            for (int attempt = 0; attempt < 50; ++attempt) {
                wait_ready(room.settler);
                outcome = send(room.settler, "tap-1", room.good.batch(next, next));
                if (std::holds_alternative<wire::Ack>(outcome)) {
                    break;
                }
                CHECK(std::get<wire::Problem>(outcome).status == 503);
            }
            CHECK(ack(outcome).quarantined.empty());
        }
    }
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 0);
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 17);
}

TEST_CASE("a charge, a draw or a pour that something swallows is never taken for settled") {
    struct Case {
        const char* sql;
        const char* table;
    };

    const auto one = GENERATE(
        Case{
            "CREATE TRIGGER swallow BEFORE UPDATE ON guests FOR EACH ROW WHEN (OLD.guest_id::text "
            "LIKE '%2') EXECUTE FUNCTION swallow()",
            "guests"},
        Case{
            "CREATE TRIGGER swallow BEFORE UPDATE ON kegs FOR EACH ROW WHEN (OLD.keg_id::text "
            "LIKE '%2') EXECUTE FUNCTION swallow()",
            "kegs"},
        Case{
            "CREATE TRIGGER swallow BEFORE INSERT ON pours FOR EACH ROW WHEN (NEW.client_tx_id "
            "LIKE 'bad-%') EXECUTE FUNCTION swallow()",
            "pours"}
    );
    CAPTURE(one.sql);
    Room room;
    room.session.run(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN NULL; END'"
    );
    room.session.run(one.sql);
    const auto answer = ack(send(room.settler, "tap-2", room.bad.batch(1, 3)));
    REQUIRE(answer.quarantined.size() == 3);
    CHECK(answer.quarantined[0].code == "settle_error/P0002");
    CHECK(answer.quarantined[0].detail.find(one.table) != std::string::npos);
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 0);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt") == 0);
    CHECK(room.bar.balance_cents(2) == 10'000);
    CHECK(room.bar.keg_volume_ml(2) == 50'000);
    CHECK(ack(send(room.settler, "tap-1", room.good.batch(1, 3))).quarantined.empty());
    room.session.run(std::string("DROP TRIGGER swallow ON ") + one.table);
    const auto id = room.bar.number("SELECT min(quarantine_id) FROM tapline.quarantine");
    CHECK(
        settle::retry_quarantined(room.session, id, {"anna", "mended", false}).outcome == "settled"
    );
}

TEST_CASE("what the role may not do, or the database hasn't got, is no row's fault") {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    furnish(bar);
    session.run(
        "CREATE ROLE settler LOGIN; GRANT USAGE ON SCHEMA tapline TO settler;"
        "GRANT ALL ON ALL TABLES IN SCHEMA tapline, public TO settler;"
        "REVOKE UPDATE ON guests FROM settler"
    );
    FakeJournal journal{1};
    journal.hello(session);
    journal.add(pour(1, "a", 100));
    auto url = database.url();
    url.replace(url.find("user=tapline"), 12, "user=settler");
    {
        settle::Settler settler{options_for(url)};
        wait_ready(settler);
        const auto outcome = send(settler, "tap-1", journal.all());
        REQUIRE(std::holds_alternative<wire::Problem>(outcome));
        CHECK(std::get<wire::Problem>(outcome).status == 503);
        session.run("GRANT UPDATE ON guests TO settler");
        wait_ready(settler);
        CHECK(ack(send(settler, "tap-1", journal.all())).quarantined.empty());
    }
    CHECK(bar.number("SELECT count(*) FROM tapline.quarantine") == 0);
    session.run("DROP OWNED BY settler; DROP ROLE settler");
}

}  // namespace tapline::test
