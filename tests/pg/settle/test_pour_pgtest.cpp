// A technician's test pour passes through everything and touches neither money nor beer.
#include <catch2/catch.hpp>

#include "central/settle/quarantine.hpp"
#include "common/error.hpp"
#include "common/test_pour.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

RawPour test_pour(Seq seq, std::int64_t volume_ml = 0) {
    auto row = pour(seq, std::string(test_id_prefix) + "1234", volume_ml);
    set(row, "card_uid", Text{std::string(test_card_uid)});
    set(row, "price_cents", std::int64_t{0});
    set(row, "tail_volume_ml", std::int64_t{0});
    return row;
}

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    settle::Settler settler{options_for(database.url())};
    FakeJournal journal{1};

    Room() {
        furnish(bar);
        journal.hello(session);
        wait_ready(settler);
    }

    wire::Ack settle(RawPour row) {
        journal.add(std::move(row));
        return ack(send(settler, journal.controller(), journal.all()));
    }

    void check_no_money() {
        CHECK(bar.number("SELECT count(*) FROM pours") == 0);
        CHECK(bar.number("SELECT count(*) FROM tapline.receipt") == 0);
        CHECK(bar.balance_cents(1) == 10'000);
        CHECK(bar.keg_volume_ml(1) == 50'000);
    }
};

}  // namespace

TEST_CASE("a test pour is acked, kept dismissed, work for nobody, and charges nobody") {
    Room room;
    const auto answer = room.settle(test_pour(1));
    CHECK(answer.acked_through == 1);
    CHECK(answer.quarantined.empty());
    CHECK(room.bar.quarantined_code() == "test_pour");
    CHECK(room.bar.text("SELECT state FROM tapline.quarantine") == "dismissed");
    CHECK(settle::list_quarantine(room.session, {}).empty());
    room.check_no_money();
    // The answer may have been lost: the same batch again says the same.
    const auto again = ack(send(room.settler, "tap-1", room.journal.all()));
    CHECK(again.quarantined.empty());
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 1);
}

TEST_CASE("a test pour works at a tap and a card that central doesn't know") {
    Room room;
    auto row = test_pour(1);
    set(row, "tap_id", std::int64_t{99});
    CHECK(room.settle(row).quarantined.empty());
    CHECK(room.bar.quarantined_code() == "test_pour");
}

TEST_CASE("beer can't hide behind the mark of a test pour") {
    Room room;
    SECTION("a millilitre is enough to be looked at") {
        const auto answer = room.settle(test_pour(1, 1));
        REQUIRE(answer.quarantined.size() == 1);
        CHECK(answer.quarantined[0].code == "unknown_card");
        CHECK(settle::list_quarantine(room.session, {}).size() == 1);
    }
    SECTION("a price is") {
        auto row = test_pour(1);
        set(row, "price_cents", std::int64_t{150});
        CHECK(room.settle(row).quarantined.at(0).code == "unknown_card");
    }
    SECTION("the id alone doesn't make one: the guest is charged") {
        auto row = pour(1, "tapline-test-real", 1'000);
        CHECK(room.settle(row).quarantined.empty());
        CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    }
    SECTION("nor does the card, not even one that somebody made in cards") {
        room.bar.card(std::string(test_card_uid), 1);
        auto row = test_pour(1, 1'000);
        CHECK(room.settle(row).quarantined.empty());
        CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    }
    SECTION("a real pour of nothing is settled as ever") {
        CHECK(room.settle(pour(1, "a", 0)).quarantined.empty());
        CHECK(room.bar.number("SELECT count(*) FROM pours") == 1);
    }
}

TEST_CASE("a test pour that waits for another reason leaves the list when it is tried again") {
    Room room;
    room.session.run("UPDATE tapline.controller SET status = 'retired' WHERE name = 'tap-1'");
    CHECK(room.settle(test_pour(1)).quarantined.at(0).code == "retired_controller");
    const auto id = room.bar.number("SELECT quarantine_id FROM tapline.quarantine");
    const auto result = settle::retry_quarantined(room.session, id, {"anna", "again", false});
    CHECK(result.outcome == "dismissed");
    CHECK(settle::list_quarantine(room.session, {}).empty());
    room.check_no_money();
    room.session.run("UPDATE tapline.controller SET status = 'loopback' WHERE name = 'tap-1'");
    const auto answer = ack(send(room.settler, "tap-1", room.journal.all()));
    REQUIRE(answer.released.size() == 1);
    CHECK(answer.released[0] == wire::Released{1, 1, "settled"});
}

}  // namespace tapline::test
