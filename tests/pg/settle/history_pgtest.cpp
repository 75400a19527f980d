// Who held the card and which keg was on the tap when the pour was poured, whatever the bar's own
// programs did between the pour and its sync.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/settle/flags.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

constexpr const char* swapped_at = "2026-11-20 19:00:00+00";

/// A pour of one litre at that hour of 2026-11-20 by a synchronised clock.
RawPour pour_at(Seq seq, int hour) {
    auto row = pour(seq, fmt::format("at-{}-{}", seq, hour), 1'000);
    set(row, "recorded_at", Text{fmt::format("2026-11-20T{:02}:00:04.000Z", hour)});
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
        bar.guest(2, 10'000);
        bar.keg(2, 50'000, 900);
        journal.hello(session);
        wait_ready(settler);
    }

    /// What the bar did, it did at 19:00.
    void date_history() {
        session.query("UPDATE tapline.tap_keg_history SET changed_at = $1", swapped_at);
        session.query("UPDATE tapline.card_guest_history SET changed_at = $1", swapped_at);
    }

    void settle_all() { CHECK(ack(send(settler, "tap-1", journal.all())).quarantined.empty()); }
};

}  // namespace

TEST_CASE("a keg swapped before the sync charges the right keg") {
    Room room;
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(2));
    room.date_history();
    room.journal.add(pour_at(1, 18));
    room.journal.add(pour_at(2, 20));
    room.settle_all();
    CHECK(room.bar.keg_volume_ml(1) == 49'000);
    CHECK(room.bar.keg_volume_ml(2) == 49'000);
    CHECK(room.bar.balance_cents(1) == 10'000 - 450 - 900);
    CHECK(room.bar.number("SELECT bit_or(flags) & 32 FROM tapline.receipt") == 0);
}

TEST_CASE("of several swaps each pour finds its own keg, also one taken off before the next") {
    Room room;
    room.bar.keg(3, 50'000, 300);
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(2));
    room.session.query("UPDATE tapline.tap_keg_history SET changed_at = '2026-11-20 10:00:00+00'");
    room.session.query("UPDATE taps SET keg_id = NULL");
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(3));
    room.session.query(
        "UPDATE tapline.tap_keg_history SET changed_at ="
        " CASE WHEN new_keg_id IS NULL THEN '2026-11-20 12:00:00+00'"
        " ELSE '2026-11-20 14:00:00+00' END::timestamptz WHERE changed_at > '2026-11-20 "
        "11:00:00+00'"
    );
    Seq seq = 0;
    for (const int hour : {9, 11, 15}) {
        room.journal.add(pour_at(++seq, hour));
    }
    room.settle_all();
    for (const int keg : {1, 2, 3}) {
        CAPTURE(keg);
        CHECK(room.bar.keg_volume_ml(keg) == 49'000);
    }
    room.journal.add(pour_at(4, 13));
    const auto answer = ack(send(room.settler, "tap-1", room.journal.batch(4, 4)));
    REQUIRE(answer.quarantined.size() == 1);
    CHECK(answer.quarantined[0].code == "tap_without_keg");
}

TEST_CASE("a card given to another guest before the sync charges who held it") {
    Room room;
    room.session.query("UPDATE cards SET guest_id = $1::uuid", guest_id(2));
    room.date_history();
    room.journal.add(pour_at(1, 18));
    room.journal.add(pour_at(2, 20));
    room.settle_all();
    CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    CHECK(room.bar.balance_cents(2) == 10'000 - 450);
}

TEST_CASE("a card or tap deleted and made anew keeps its past") {
    Room room;
    room.session.query("DELETE FROM cards");
    room.session.query("DELETE FROM taps");
    room.bar.card("8c5efc0c", 2);
    room.bar.tap(1, 2);
    room.date_history();
    room.journal.add(pour_at(1, 18));
    room.journal.add(pour_at(2, 20));
    room.settle_all();
    CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    CHECK(room.bar.balance_cents(2) == 10'000 - 900);
    CHECK(room.bar.keg_volume_ml(1) == 49'000);
    CHECK(room.bar.keg_volume_ml(2) == 49'000);
}

TEST_CASE("a card registered after the pour counts from ever on") {
    Room room;
    room.bar.card("new", 2);
    auto row = pour_at(1, 18);
    set(row, "card_uid", Text{"new"});
    room.journal.add(row);
    room.settle_all();
    CHECK(room.bar.balance_cents(2) == 10'000 - 450);
}

TEST_CASE("a card whose uid is respelled takes its history along") {
    Room room;
    room.session.query("UPDATE cards SET guest_id = $1::uuid", guest_id(2));
    room.date_history();
    room.session.query("UPDATE cards SET card_uid = '8C5EFC0C'");
    room.journal.add(pour_at(1, 18));
    room.settle_all();
    CHECK(room.bar.balance_cents(1) == 10'000 - 450);
    CHECK(room.bar.number("SELECT flags FROM tapline.receipt") == settle::flag_card_respelled);
}

TEST_CASE("with an uncertain clock today's holder and keg are charged, and the receipt says so") {
    Room room;
    room.session.query("UPDATE cards SET guest_id = $1::uuid", guest_id(2));
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(2));
    room.date_history();
    room.journal.add(pour_at(1, 18));
    auto batch = room.journal.all();
    batch.boots[0].synchronized = false;
    batch.clock.boot_id = "another";
    CHECK(ack(send(room.settler, "tap-1", batch)).quarantined.empty());
    CHECK(room.bar.balance_cents(2) == 10'000 - 900);
    CHECK(room.bar.keg_volume_ml(2) == 49'000);
    CHECK(
        (room.bar.number("SELECT flags FROM tapline.receipt") & settle::flag_assignment_uncertain
        ) != 0
    );
}

TEST_CASE("a pour of 1970 that a clock step explains charges the keg of its real time") {
    Room room;
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(2));
    room.date_history();
    auto row = pour(1, "unset clock", 1'000);
    set(row, "recorded_at", Text{"1970-01-01T00:01:44.000Z"});
    room.journal.add(row);
    auto batch = room.journal.all();
    constexpr std::int64_t at_18_ms = 1'795'197'600'000;
    batch.boots[0].steps.push_back({1, at_18_ms});
    CHECK(ack(send(room.settler, "tap-1", batch)).quarantined.empty());
    CHECK(room.bar.keg_volume_ml(1) == 49'000);
    CHECK(room.bar.text("SELECT time_quality FROM tapline.receipt") == "corrected");
    CHECK(room.bar.text("SELECT recorded_at FROM tapline.receipt") == "1970-01-01 00:01:40+00");
    CHECK(room.bar.text("SELECT corrected_at FROM tapline.receipt") == "2026-11-20 18:01:40+00");
}

TEST_CASE("between two known times a pour is bounded, and today's keg is charged") {
    Room room;
    room.session.query("UPDATE taps SET keg_id = $1::uuid", keg_id(2));
    room.date_history();
    auto unset = pour_at(2, 18);
    set(unset, "recorded_at", Text{"1970-01-01T00:01:40.000Z"});
    room.journal.add(pour_at(1, 16));
    room.journal.add(unset);
    room.journal.add(pour_at(3, 18));
    auto batch = room.journal.all();
    batch.boots = {{"b0", 1, true, {}}, {"b1", 2, false, {}}, {"boot", 3, true, {}}};
    CHECK(ack(send(room.settler, "tap-1", batch)).quarantined.empty());
    const std::string of_row = " FROM tapline.receipt WHERE seq = 2";
    CHECK(room.bar.text("SELECT time_quality" + of_row) == "bounded");
    CHECK(room.bar.text("SELECT corrected_at" + of_row) == "2026-11-20 16:00:00+00");
    CHECK(room.bar.number("SELECT flags & 32" + of_row) == 32);
    CHECK(room.bar.keg_volume_ml(1) == 48'000);
    CHECK(room.bar.keg_volume_ml(2) == 49'000);
}

TEST_CASE("the bar's own revisions may alter the columns that are watched") {
    Room room;
    room.session.run(
        "ALTER TABLE guests ALTER balance TYPE numeric(12,2);"
        "ALTER TABLE kegs ALTER current_volume_ml TYPE bigint;"
        "ALTER TABLE cards ALTER card_uid TYPE varchar(80);"
        "ALTER TABLE cards RENAME COLUMN status TO state"
    );
    room.session.query("UPDATE guests SET balance = balance + 1");
    CHECK(
        room.bar.number("SELECT count(*) FROM tapline.balance_change WHERE kind = 'update'") == 2
    );
}

TEST_CASE("a role without rights in schema tapline still changes cards, taps and balances") {
    Room room;
    room.session.run(
        "CREATE ROLE bar_app; GRANT ALL ON ALL TABLES IN SCHEMA public TO bar_app;"
        "SET ROLE bar_app; UPDATE cards SET guest_id = NULL; UPDATE taps SET keg_id = NULL;"
        "UPDATE guests SET balance = 5; UPDATE kegs SET current_volume_ml = 5;"
        "DELETE FROM taps; DELETE FROM cards; RESET ROLE;"
        "DROP OWNED BY bar_app; DROP ROLE bar_app"
    );
    CHECK(room.bar.number("SELECT count(*) FROM tapline.tap_keg_history") == 2);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.card_guest_history") == 2);
    CHECK(
        room.bar.number("SELECT count(*) FROM tapline.balance_change WHERE kind = 'update'") == 4
    );
}

}  // namespace tapline::test
