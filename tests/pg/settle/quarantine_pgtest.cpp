// Pours leave the quarantine by an operator's word: once, with a line in the log and a release.
#include <functional>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/settle/flags.hpp"
#include "central/settle/quarantine.hpp"
#include "common/error.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

const settle::OperatorWord word{"anna", "guest asked", false};

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    settle::Settler settler{options_for(database.url())};
    FakeJournal journal{1};

    Room() {
        furnish(bar);
        journal.hello(session);
        session.run("INSERT INTO tapline.setting (key, value) VALUES ('environment', 'dev')");
        wait_ready(settler);
    }

    /// Sends one spoiled pour of a litre; its id in quarantine.
    std::int64_t keep(const std::string& column, Value value) {
        auto row = pour(1, "a", 1'000);
        set(row, column, std::move(value));
        journal.add(row);
        REQUIRE(ack(send(settler, "tap-1", journal.all())).quarantined.size() == 1);
        return bar.number("SELECT quarantine_id FROM tapline.quarantine");
    }

    void check_settled() {
        CHECK(bar.number("SELECT count(*) FROM tapline.quarantine") == 0);
        CHECK(bar.number("SELECT count(*) FROM pours") == 1);
        CHECK(bar.number("SELECT count(*) FROM tapline.receipt WHERE seq = 1") == 1);
        CHECK(bar.balance_cents(1) == 10'000 - 450);
        CHECK(bar.keg_volume_ml(1) == 49'000);
        const auto answer = ack(send(settler, "tap-1", journal.all()));
        CHECK(answer.quarantined.empty());
        REQUIRE(answer.released.size() == 1);
        CHECK(answer.released[0] == wire::Released{1, 1, "settled"});
    }
};

std::string code_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.code();
    }
    return {};
}

}  // namespace

TEST_CASE("a retry settles once the card is there, and leaves it waiting before") {
    Room room;
    const auto id = room.keep("card_uid", Text{"ffffffff"});
    const auto early = settle::retry_quarantined(room.session, id, word);
    CHECK(early.outcome == "waiting");
    CHECK(early.code == "unknown_card");
    room.bar.card("ffffffff", 1);
    CHECK(settle::retry_quarantined(room.session, id, word).outcome == "settled");
    room.check_settled();
    CHECK(room.bar.text("SELECT time_quality FROM tapline.receipt") == "exact");
    CHECK(room.bar.text("SELECT poured_at FROM pours") == "2026-11-20 18:00:00+00");
    CHECK(
        room.bar.text("SELECT string_agg(outcome || ' ' || who, ',' ORDER BY decision_id)"
                      " FROM tapline.quarantine_decision") == "waiting anna,settled anna"
    );
    CHECK(code_of([&] { settle::retry_quarantined(room.session, id, word); }) == "decided");
    CHECK(code_of([&] {
              settle::retry_quarantined(room.session, id + 1, word);
          }) == "not_in_quarantine");
    const auto shown = settle::find_quarantined(room.session, id);
    CHECK(shown.state == "settled");
    CHECK(shown.code == "unknown_card");
    CHECK(shown.controller == "tap-1");
    CHECK_FALSE(shown.raw.empty());
}

TEST_CASE("a resolve puts the operator's card, tap or keg in place") {
    Room room;
    settle::Override instead;
    std::int64_t id = 0;
    SECTION("card") {
        id = room.keep("card_uid", std::int64_t{5});
        instead.card_uid = "8C5EFC0C";
    }
    SECTION("tap") {
        id = room.keep("tap_id", Text{"one"});
        instead.tap_id = 1;
    }
    SECTION("keg") {
        room.bar.tap(2, std::nullopt);
        id = room.keep("tap_id", std::int64_t{2});
        instead.keg_id = keg_id(1);
    }
    SECTION("id") {
        id = room.keep("client_tx_id", {});
    }
    SECTION("bytes of the id") {
        id = room.keep("client_tx_id", Text{"\xff"});
    }
    SECTION("time") {
        id = room.keep("recorded_at", Text{"yesterday"});
    }
    SECTION("price") {
        id = room.keep("price_cents", std::int64_t{-3});
    }
    SECTION("legacy") {
        id = room.keep("legacy_status", Text{"failed"});
    }
    const auto result = settle::resolve_quarantined(room.session, id, instead, word);
    CHECK(result.outcome == "settled");
    CHECK(result.detail.empty());
    room.check_settled();
    CHECK((room.bar.number("SELECT flags FROM tapline.receipt") & settle::flag_resolved) != 0);
}

TEST_CASE("retry never charges what only an operator may") {
    Room room;
    const auto id = room.keep("legacy_status", Text{"confirmed"});
    CHECK(settle::retry_quarantined(room.session, id, word).code == "legacy_confirmed_missing");
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 0);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.release") == 0);
}

TEST_CASE("a volume is never made up") {
    Room room;
    const auto id = room.keep("volume_ml", Text{"much"});
    const auto result = settle::resolve_quarantined(room.session, id, {}, word);
    CHECK(result.outcome == "waiting");
    CHECK(result.code == "volume_not_integer");
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 1);
}

TEST_CASE("a conflict that is another pour gets an id of its own") {
    Room room;
    room.journal.add(pour(1, "a", 1'000));
    room.journal.add(pour(2, "a", 500));
    REQUIRE(ack(send(room.settler, "tap-1", room.journal.all())).quarantined.size() == 1);
    const auto id = room.bar.number("SELECT quarantine_id FROM tapline.quarantine");
    CHECK(settle::retry_quarantined(room.session, id, word).code == "conflict");
    CHECK(settle::resolve_quarantined(room.session, id, {}, word).outcome == "settled");
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 2);
    CHECK(room.bar.balance_cents(1) == 10'000 - 450 - 225);
}

TEST_CASE("a row settled from quarantine doesn't come back with a later epoch") {
    Room room;
    const auto id = room.keep("client_tx_id", {});
    CHECK(settle::resolve_quarantined(room.session, id, {}, word).outcome == "settled");
    room.session.run(
        "INSERT INTO tapline.cursor (journal_id, epoch) SELECT journal_id, 2 FROM tapline.journal"
    );
    auto batch = room.journal.all();
    batch.epoch = 2;
    std::ignore = ack(send(room.settler, "tap-1", batch));
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 0);
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 1);
}

TEST_CASE("a pour charged to the operator's card is no conflict when its row comes again") {
    Room room;
    settle::Override instead;
    instead.card_uid = "8c5efc0c";
    const auto id = room.keep("card_uid", Text{"ffffffff"});
    CHECK(settle::resolve_quarantined(room.session, id, instead, word).outcome == "settled");
    room.session.run(
        "INSERT INTO tapline.cursor (journal_id, epoch) SELECT journal_id, 2 FROM tapline.journal"
    );
    auto batch = room.journal.all();
    batch.epoch = 2;
    CHECK(ack(send(room.settler, "tap-1", batch)).quarantined.empty());
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 1);
}

TEST_CASE("a dismissed pour is kept, charged to nobody, and told to its journal") {
    Room room;
    const auto id = room.keep("volume_ml", std::int64_t{-1});
    CHECK(settle::dismiss_quarantined(room.session, id, word).outcome == "dismissed");
    CHECK(room.bar.text("SELECT state FROM tapline.quarantine") == "dismissed");
    CHECK(room.bar.text("SELECT outcome FROM tapline.release") == "dismissed");
    CHECK(code_of([&] { settle::retry_quarantined(room.session, id, word); }) == "dismissed");
    CHECK(settle::list_quarantine(room.session, {}).empty());
    CHECK(settle::find_quarantined(room.session, id).state == "dismissed");
    CHECK(settle::decisions_on(room.session, id).at(0).reason == "guest asked");
}

TEST_CASE("nothing is dismissed in production, and a database that doesn't say is production") {
    Room room;
    const auto id = room.keep("volume_ml", std::int64_t{-1});
    SECTION("said") {
        room.session.run("UPDATE tapline.setting SET value = 'production'");
    }
    SECTION("not said") {
        room.session.run("DELETE FROM tapline.setting");
    }
    CHECK(code_of([&] { settle::dismiss_quarantined(room.session, id, word); }) == "production");
    CHECK(room.bar.text("SELECT state FROM tapline.quarantine") == "waiting");
}

TEST_CASE("a row that PostgreSQL refuses stays, with the SQLSTATE as its code") {
    Room room;
    const auto id = room.keep("card_uid", Text{"ffffffff"});
    room.bar.card("ffffffff", 1);
    room.session.run("ALTER TABLE pours ADD CONSTRAINT planted CHECK (volume_ml < 10)");
    CHECK(settle::retry_quarantined(room.session, id, word).code == "settle_error/23514");
    CHECK(room.bar.text("SELECT code FROM tapline.quarantine") == "settle_error/23514");
    room.session.run("ALTER TABLE pours DROP CONSTRAINT planted");
    CHECK(settle::retry_quarantined(room.session, id, word).outcome == "settled");
    room.check_settled();
}

TEST_CASE("a cut row is only settled by an operator's word") {
    Room room;
    room.journal.add(pour(1, "a", 1'000));
    auto batch = room.journal.all();
    batch.truncated = true;
    REQUIRE(ack(send(room.settler, "tap-1", batch)).quarantined.size() == 1);
    const auto id = room.bar.number("SELECT quarantine_id FROM tapline.quarantine");
    CHECK(settle::retry_quarantined(room.session, id, word).code == "row_too_large");
    CHECK(settle::resolve_quarantined(room.session, id, {}, word).outcome == "settled");
}

TEST_CASE("the list filters by code and journal and pages by id") {
    Room room;
    for (Seq seq = 1; seq <= 5; ++seq) {
        auto row = pour(seq, fmt::format("id-{}", seq), 100);
        set(row, "card_uid", seq % 2 == 0 ? Value(Text{"nobody"}) : Value());
        room.journal.add(row);
    }
    REQUIRE(ack(send(room.settler, "tap-1", room.journal.all())).quarantined.size() == 5);
    settle::QuarantineFilter filter;
    CHECK(settle::list_quarantine(room.session, filter).size() == 5);
    filter.code = "unknown_card";
    CHECK(settle::list_quarantine(room.session, filter).size() == 2);
    filter.journal_id = journal_id(2);
    CHECK(settle::list_quarantine(room.session, filter).empty());
    filter = {};
    filter.limit = 2;
    const auto page = settle::list_quarantine(room.session, filter);
    REQUIRE(page.size() == 2);
    filter.after_id = page.back().id;
    filter.limit = 10;
    CHECK(settle::list_quarantine(room.session, filter).size() == 3);
    CHECK(wire::decode_row(page.front().raw) == room.journal.rows().front());
}

TEST_CASE("what a salvage found under a second id isn't charged again") {
    Room room;
    auto settled = pour(1, "a", 1'000);
    room.journal.add(settled);
    CHECK(ack(send(room.settler, "tap-1", room.journal.all())).quarantined.empty());
    const auto balance = room.bar.balance_cents(1);
    const auto& id = std::get<Text>(*settled.find("client_tx_id")).bytes;
    auto twin = settled;
    twin.seq = 2;
    set(twin, "client_tx_id", Text{"one bit of " + id});
    set(twin, "salvage", Text{R"({"why": "no index entry", "id_in_index": ")" + id + R"("})"});
    room.journal.add(twin);
    CHECK(ack(send(room.settler, "tap-1", room.journal.all())).quarantined.size() == 1);
    const auto waiting = room.bar.number("SELECT quarantine_id FROM tapline.quarantine");
    CHECK(code_of([&] {
              static_cast<void>(settle::resolve_quarantined(room.session, waiting, {}, word));
          }) == "settled_already");
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 1);
    CHECK(room.bar.balance_cents(1) == balance);
}

}  // namespace tapline::test
