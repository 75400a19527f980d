// Every way a pour ends in quarantine, by its stable code; and what is settled in spite of it all.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/settle/flags.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

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

    /// Flags of the only receipt.
    std::int64_t flags() { return bar.number("SELECT flags FROM tapline.receipt"); }
};

struct Case {
    const char* code;
    const char* column;
    Value value;
};

const Text latin1{"caf\xe9"};
const Text with_nul{std::string("a\0b", 3)};

}  // namespace

TEST_CASE("a pour that can't be settled waits in quarantine under its own code") {
    const std::vector<Case> cases{
        {"unknown_card", "card_uid", Text{"ffffffff"}},
        {"card_without_guest", "card_uid", Text{"00000001"}},
        {"card_missing", "card_uid", {}},
        {"card_not_text", "card_uid", std::int64_t{7}},
        {"card_too_long", "card_uid", Text{std::string(51, 'a')}},
        {"unknown_tap", "tap_id", std::int64_t{99}},
        {"tap_without_keg", "tap_id", std::int64_t{2}},
        {"tap_missing", "tap_id", {}},
        {"tap_not_integer", "tap_id", Text{"1"}},
        {"tap_out_of_range", "tap_id", std::int64_t{1} << 40},
        {"volume_missing", "volume_ml", {}},
        {"volume_not_integer", "volume_ml", Text{"300"}},
        {"volume_not_integer", "volume_ml", 300.5},
        {"volume_negative", "volume_ml", std::int64_t{-1'000}},
        {"volume_too_large", "volume_ml", std::int64_t{10'001}},
        {"price_too_large", "price_cents", std::int64_t{1} << 60},
        {"price_negative", "price_cents", std::int64_t{-1}},
        {"price_not_integer", "price_cents", 1.5},
        {"id_missing", "client_tx_id", {}},
        {"id_empty", "client_tx_id", Text{""}},
        {"id_too_long", "client_tx_id", Text{std::string(101, 'x')}},
        {"id_not_text", "client_tx_id", Blob{"x"}},
        {"invalid_utf8", "client_tx_id", latin1},
        {"invalid_utf8", "card_uid", latin1},
        {"nul_byte", "client_tx_id", with_nul},
        {"nul_byte", "short_id", with_nul},
        {"timestamp_invalid", "start_ts", Text{"yesterday"}},
        {"timestamp_invalid", "recorded_at", Text{"2026-13-40T00:00:00Z"}},
        {"duration_invalid", "duration_ms", std::int64_t{-5}},
        {"tail_out_of_range", "tail_volume_ml", std::int64_t{5'000}},
        {"data_invalid", "data", Text{"{'not': json}"}},
        {"legacy_confirmed_missing", "legacy_status", Text{"confirmed"}},
        {"legacy_unpaid", "legacy_status", Text{"rejected"}},
        {"legacy_unpaid", "legacy_status", Text{"failed"}},
    };
    Room room;
    room.bar.card("00000001", std::nullopt);
    room.bar.tap(2, std::nullopt);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        auto row = pour(static_cast<Seq>(i + 1), fmt::format("id-{}", i), 300);
        set(row, cases[i].column, cases[i].value);
        room.journal.add(row);
    }
    const auto answer = ack(send(room.settler, "tap-1", room.journal.all()));
    REQUIRE(answer.quarantined.size() == cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
        INFO(cases[i].column << " " << i);
        CHECK(answer.quarantined[i].seq == static_cast<Seq>(i + 1));
        CHECK(answer.quarantined[i].code == cases[i].code);
        const auto stored = room.session.query(
            "SELECT code, raw FROM tapline.quarantine WHERE seq = $1::bigint",
            static_cast<std::int64_t>(i + 1)
        );
        REQUIRE(stored.rows() == 1);
        CHECK(stored[0].text(0) == cases[i].code);
        CHECK(wire::decode_row(stored[0].bytes(1)) == room.journal.rows()[i]);
    }
    CHECK(answer.acked_through == static_cast<Seq>(cases.size()));
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 0);
    CHECK(room.bar.balance_cents(1) == 10'000);
    CHECK(room.bar.keg_volume_ml(1) == 50'000);
}

TEST_CASE("a row too large for a batch comes cut and waits as row_too_large") {
    Room room;
    room.journal.add(pour(1, "a", 300));
    auto batch = room.journal.all();
    batch.truncated = true;
    batch.hash[0] ^= 1U;
    const auto answer = ack(send(room.settler, "tap-1", batch));
    CHECK(answer.quarantined.at(0).code == "row_too_large");
    CHECK(room.bar.number("SELECT cursor FROM tapline.cursor") == 1);
}

TEST_CASE("a pour is charged by the litre, rounded half up, and drawn from the keg") {
    Room room;
    // 333 ml at 4.50 = 1.4985 -> 1.50
    const auto answer = room.settle(pour(1, "a", 333));
    CHECK(answer.quarantined.empty());
    CHECK(answer.acked_through == 1);
    CHECK(room.bar.text("SELECT amount_charged FROM pours") == "1.50");
    CHECK(room.bar.text("SELECT price_per_ml_at_pour FROM pours") == "0.0045");
    CHECK(room.bar.text("SELECT poured_at FROM pours") == "2026-11-20 18:00:00+00");
    CHECK(room.bar.balance_cents(1) == 9'850);
    CHECK(room.bar.keg_volume_ml(1) == 49'667);
    CHECK(room.bar.text("SELECT time_quality FROM tapline.receipt") == "exact");
    CHECK(room.flags() == 0);
}

TEST_CASE("beer that was poured is settled and flagged, whoever poured it") {
    Room room;
    room.session.query("UPDATE guests SET is_active = false, balance = 1");
    room.session.query("UPDATE cards SET status = 'lost'");
    room.session.query("UPDATE taps SET status = 'cleaning'");
    room.session.query("UPDATE kegs SET status = 'full'");
    auto row = pour(1, "a", 1'000);
    set(row, "price_cents", std::int64_t{449});
    set(row, "card_uid", Text{"8C 5E FC 0C"});
    CHECK(room.settle(row).quarantined.empty());
    using namespace settle;
    CHECK(
        room.flags() ==
        (flag_inactive_guest | flag_overdrawn | flag_inactive_card | flag_tap_locked |
         flag_keg_not_in_use | flag_price_differs | flag_card_respelled)
    );
    CHECK(room.bar.balance_cents(1) == -350);
    CHECK(room.bar.text("SELECT card_uid FROM pours") == "8c5efc0c");
    CHECK(
        room.bar.text("SELECT tapline.flag_names(flags) FROM tapline.receipt") ==
        "{inactive_card,inactive_guest,overdrawn,tap_locked,keg_not_in_use,price_differs,"
        "card_respelled}"
    );
}

TEST_CASE("two cards that read alike are no answer") {
    Room room;
    room.bar.card("8C:5E:FC:0C", 1);
    auto row = pour(1, "a", 300);
    set(row, "card_uid", Text{"8C 5E FC 0C"});
    CHECK(room.settle(row).quarantined.at(0).code == "unknown_card");
}

TEST_CASE("a pour of no volume is settled") {
    Room room;
    CHECK(room.settle(pour(1, "a", 0)).quarantined.empty());
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt WHERE amount = 0") == 1);
}

TEST_CASE("absurd sums are seen before PostgreSQL overflows") {
    Room room;
    SECTION("amount") {
        room.session.query("UPDATE beverages SET sell_price_per_liter = 99999999.99");
        CHECK(room.settle(pour(1, "a", 2'000)).quarantined.at(0).code == "amount_out_of_bounds");
    }
    SECTION("balance") {
        room.session.query("UPDATE guests SET balance = -99999999");
        CHECK(room.settle(pour(1, "a", 1'000)).quarantined.at(0).code == "balance_out_of_bounds");
    }
    SECTION("keg") {
        room.session.query("UPDATE kegs SET current_volume_ml = -2147483600");
        CHECK(room.settle(pour(1, "a", 1'000)).quarantined.at(0).code == "keg_out_of_bounds");
    }
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 0);
}

TEST_CASE("the last litre empties the keg, and the tap that still holds it") {
    Room room;
    room.session.query("UPDATE kegs SET current_volume_ml = 300");
    std::ignore = room.settle(pour(1, "a", 400));
    CHECK(room.bar.keg_volume_ml(1) == -100);
    CHECK(room.bar.text("SELECT status FROM kegs") == "empty");
    CHECK(room.bar.text("SELECT finished_at FROM kegs") == "2026-11-20 18:00:00+00");
    CHECK(room.bar.text("SELECT status FROM taps") == "empty");
}

TEST_CASE("holder and keg are those of the pour's time, when that time is known") {
    Room room;
    room.bar.guest(2, 5'000);
    room.bar.keg(2, 50'000, 900);
    room.session.query("UPDATE cards SET guest_id = $1::uuid", guest_id(2));
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(2));
    room.session.query("UPDATE tapline.card_guest_history SET changed_at = '2026-11-21'");
    room.session.query("UPDATE tapline.tap_keg_history SET changed_at = '2026-11-21'");
    auto later = pour(2, "b", 1'000);
    set(later, "recorded_at", Text{"2026-11-22T18:00:00Z"});
    room.journal.add(pour(1, "a", 1'000));
    room.journal.add(later);
    CHECK(ack(send(room.settler, "tap-1", room.journal.all())).quarantined.empty());
    CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    CHECK(room.bar.balance_cents(2) == 5'000 - 900);
    CHECK(room.bar.keg_volume_ml(1) == 49'000);
    CHECK(room.bar.keg_volume_ml(2) == 49'000);
}

TEST_CASE("without a trustworthy clock today's holder pays, flagged as uncertain") {
    Room room;
    room.journal.add(pour(1, "a", 1'000));
    auto batch = room.journal.all();
    batch.boots.clear();
    CHECK(ack(send(room.settler, "tap-1", batch)).quarantined.empty());
    CHECK(room.flags() == settle::flag_assignment_uncertain);
    CHECK(room.bar.text("SELECT time_quality FROM tapline.receipt") == "unknown");
}

TEST_CASE("a legacy row that pours has is acked and charged to nobody") {
    Room room;
    std::ignore = room.settle(pour(1, "a", 1'000));
    room.session.query("DELETE FROM tapline.receipt");
    FakeJournal old(2, "tap-2");
    old.hello(room.session);
    auto row = pour(1, "a", 1'000);
    set(row, "legacy_status", Text{"confirmed"});
    old.add(row);
    CHECK(ack(send(room.settler, "tap-2", old.all())).quarantined.empty());
    CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt") == 0);
}

TEST_CASE("a legacy row that is new is charged, one of gen3 from its JSON") {
    Room room;
    RawPour row;
    row.seq = 1;
    row.columns = {
        {"data",
         Text{R"({"client_tx_id":"a","card_uid":"8C5EFC0C","tap_id":1,"volume_ml":250,)"
              R"("price_cents":375,"start_ts":"2026-02-12T18:00:00+00:00","end_ts":null})"}},
        {"legacy_status", Text{"new"}}};
    room.journal.add(row);
    auto batch = room.journal.all();
    batch.boots.clear();
    CHECK(ack(send(room.settler, "tap-1", batch)).quarantined.empty());
    CHECK(room.bar.text("SELECT poured_at FROM pours") == "2026-02-12 18:00:00+00");
    using namespace settle;
    CHECK(
        room.flags() ==
        (flag_assignment_uncertain | flag_volume_unreliable | flag_card_respelled | flag_legacy)
    );
}

TEST_CASE("the same id twice: same content is acked once, other content is a conflict") {
    Room room;
    SECTION("in one journal") {
        room.journal.add(pour(1, "a", 300));
        room.journal.add(pour(2, "a", 300));
        room.journal.add(pour(3, "a", 301));
        const auto answer = ack(send(room.settler, "tap-1", room.journal.all()));
        REQUIRE(answer.quarantined.size() == 1);
        CHECK(answer.quarantined[0].seq == 3);
        CHECK(answer.quarantined[0].code == "conflict");
    }
    SECTION("in two journals at once") {
        FakeJournal other(2, "tap-2");
        other.hello(room.session);
        room.journal.add(pour(1, "a", 300));
        other.add(pour(1, "a", 300));
        other.add(pour(2, "a", 301));
        const auto outcomes =
            send_all(room.settler, {{"tap-1", room.journal.all()}, {"tap-2", other.all()}});
        CHECK(ack(outcomes[0]).quarantined.empty());
        REQUIRE(ack(outcomes[1]).quarantined.size() == 1);
        CHECK(ack(outcomes[1]).quarantined[0].code == "conflict");
    }
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 1);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt") == 1);
    CHECK(room.bar.balance_cents(1) == 10'000 - 135);
}

TEST_CASE("settle.price = journal charges the journal's price_cents") {
    TestDatabase database;
    auto session = database.connect();
    Bar bar(session);
    furnish(bar);
    auto options = options_for(database.url());
    options.price_from_journal = true;
    settle::Settler settler(options);
    FakeJournal journal(1);
    journal.hello(session);
    auto row = pour(1, "a", 1'000);
    set(row, "price_cents", std::int64_t{777});
    journal.add(row);
    wait_ready(settler);
    CHECK(ack(send(settler, "tap-1", journal.all())).quarantined.empty());
    CHECK(bar.balance_cents(1) == 10'000 - 777);
    CHECK(bar.text("SELECT amount_charged FROM pours") == "7.77");
    CHECK(bar.number("SELECT flags FROM tapline.receipt") == settle::flag_price_from_journal);
}

}  // namespace tapline::test
