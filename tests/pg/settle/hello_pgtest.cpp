// What central answers to a journal that says where it stands.
#include <catch2/catch.hpp>

#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    FakeJournal journal{1};

    fleet::HelloOutcome hello(const wire::Hello& message, const std::string& controller = "tap-1") {
        return fleet::hello(session, controller, message);
    }

    wire::HelloReply reply(const wire::Hello& message) {
        auto outcome = hello(message);
        if (const auto* refused = std::get_if<wire::Problem>(&outcome)) {
            FAIL(refused->code);
        }
        return std::get<wire::HelloReply>(outcome);
    }

    wire::Problem refusal(const wire::Hello& message, const std::string& controller = "tap-1") {
        auto outcome = hello(message, controller);
        REQUIRE(std::holds_alternative<wire::Problem>(outcome));
        return std::get<wire::Problem>(outcome);
    }
};

}  // namespace

TEST_CASE("a journal never seen starts at cursor 0 and is registered once") {
    Room room;
    const auto first = room.reply(room.journal.hello_message());
    CHECK(first.cursor == 0);
    CHECK(first.hash_at_cursor == RowHash{});
    CHECK(first.central_revision == "t0007_epochs");
    CHECK(first.directives.heartbeat_s == 60);
    CHECK_FALSE(first.directives.hold);
    CHECK(first.server_utc_ms > 1'700'000'000'000);
    std::ignore = room.reply(room.journal.hello_message());
    CHECK(room.bar.number("SELECT count(*) FROM tapline.journal") == 1);
    CHECK(
        room.bar.text("SELECT status FROM tapline.controller WHERE name = 'tap-1'") == "loopback"
    );
}

TEST_CASE("hello tells the cursor and its hash, and sees a fork") {
    Room room;
    furnish(room.bar);
    room.journal.add(pour(1, "a", 100));
    room.journal.add(pour(2, "b", 100));
    room.journal.hello(room.session);
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    std::ignore = ack(send(settler, "tap-1", room.journal.all()));
    auto message = room.journal.hello_message();
    message.acked_through = 2;
    message.acked_hash = room.journal.hash_at(2);
    const auto answer = room.reply(message);
    CHECK(answer.cursor == 2);
    CHECK(answer.hash_at_cursor == room.journal.hash_at(2));
    SECTION("by another chain at the same seq") {
        message.acked_hash[0] ^= 1U;
    }
    SECTION("by a journal that ends before the cursor") {
        message.acked_through = 1;
        message.acked_hash = room.journal.hash_at(1);
        message.max_seq = 1;
    }
    const auto refused = room.refusal(message);
    CHECK(refused.status == 409);
    CHECK(refused.code == "fork");
    CHECK(refused.action == "fork");
}

TEST_CASE("a journal belongs to the controller that registered it") {
    Room room;
    room.journal.hello(room.session);
    const auto refused = room.refusal(room.journal.hello_message(), "tap-2");
    CHECK(refused.status == 403);
    CHECK(refused.code == "not_yours");
}

TEST_CASE("hello refuses what it can't serve") {
    Room room;
    room.journal.hello(room.session);
    auto message = room.journal.hello_message();
    SECTION("a newer wire") {
        message.protocol_min = 2;
        message.protocol_max = 3;
        CHECK(room.refusal(message).status == 426);
    }
    SECTION("an epoch that nobody granted") {
        message.epoch = 7;
        CHECK(room.refusal(message).code == "unknown_epoch");
    }
    SECTION("a journal id that is none") {
        message.journal_id = "x";
        CHECK(room.refusal(message).status == 400);
    }
}

TEST_CASE("hello carries an open hold and the releases") {
    Room room;
    room.journal.hello(room.session);
    room.session.run("INSERT INTO tapline.hold (reason, opened_by) VALUES ('new schema', 'anna')");
    room.session.query(
        "INSERT INTO tapline.release (journal_id, id, epoch, seq, outcome)"
        " VALUES ($1::uuid, 1, 1, 5, 'settled')",
        room.journal.id()
    );
    const auto answer = room.reply(room.journal.hello_message());
    CHECK(answer.directives.hold);
    CHECK(answer.directives.hold_reason == "new schema");
    REQUIRE(answer.released.size() == 1);
    CHECK(answer.released[0] == wire::Released{1, 5, "settled"});
}

}  // namespace tapline::test
