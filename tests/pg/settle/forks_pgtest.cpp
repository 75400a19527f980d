// Two devices with one journal: an operator decides, and both keep their pours until then.
#include "central/compat/blockers.hpp"
#include "central/fleet/retire.hpp"
#include "central/fleet/sides.hpp"
#include "tests/pg/settle/epochs_room.hpp"

namespace tapline::test {

namespace {

struct Pair {
    EpochsRoom room;
    Device first = room.settled(3, "pi-1");
    Device second = first;

    Pair() {
        second.fingerprint = "pi-2";
        second.boot_id = "boot-9";
        first.add(4, "first-4");
        second.add(4, "second-4");
        second.add(5, "second-5");
    }

    /// Both are heard, in turns.
    void meet() {
        CHECK(room.hello(second).empty());
        CHECK(room.hello(first) == "two_alive");
        CHECK(room.hello(second) == "two_alive");
    }

    fleet::Decided decide(const std::vector<std::int64_t>& sides) {
        return fleet::decide_fork(room.session, first.journal.id(), sides, "test", "anna");
    }
};

}  // namespace

TEST_CASE("two that are alive at once both keep their pours until an operator decides") {
    Pair pair;
    pair.meet();
    auto& room = pair.room;
    CHECK(problem(room.send(pair.first)).code == "two_alive");
    CHECK(room.refusal(pair.second) == "two_alive");
    CHECK(room.pours() == 3);
    const auto listed = fleet::list_forks(room.session, false);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].state == "two_alive");
    CHECK(listed[0].sides.size() == 2);

    SECTION("one of them goes on, the other is refused") {
        pair.decide({room.side_of(pair.second)});
        CHECK(room.hello(pair.first) == "epoch_closed");
        CHECK(room.refusal(pair.first) == "not_chosen");
        CHECK(problem(room.send(pair.first)).code == "epoch_closed");
        CHECK(room.hello(pair.second) == "epoch_closed");
        room.repair(pair.second);
        CHECK(room.hello(pair.second).empty());
        CHECK(room.hello(pair.first) == "epoch_closed");
        CHECK(room.hello(pair.second).empty());
        room.send_rest(pair.second);
        CHECK(room.pours() == 5);
        CHECK(fleet::list_forks(room.session, false).at(0).state == "refused");
        // Later the first is let in too.
        pair.decide({room.side_of(pair.first)});
        room.repair(pair.first);
        CHECK(room.hello(pair.first).empty());
        CHECK(room.hello(pair.second).empty());
        room.send_rest(pair.first);
        CHECK(room.pours() == 6);
        CHECK(room.bar.balance_cents(1) == 10'000 - 6 * 45);
    }
    SECTION("both go on, each in an epoch of its own") {
        pair.decide({room.side_of(pair.first), room.side_of(pair.second)});
        room.repair(pair.first);
        room.repair(pair.second);
        CHECK(pair.first.epoch != pair.second.epoch);
        for (int turn = 0; turn < 2; ++turn) {
            CHECK(room.hello(pair.first).empty());
            CHECK(room.hello(pair.second).empty());
        }
        room.send_rest(pair.first);
        room.send_rest(pair.second);
        CHECK(room.pours() == 6);
        CHECK(fleet::list_forks(room.session, false).empty());
        CHECK(fleet::list_forks(room.session, true).at(0).state == "repaired");
    }
    SECTION("one of them falls silent, and the other goes on by itself") {
        room.ten_minutes_pass();
        CHECK(room.hello(pair.first).empty());
        room.send_rest(pair.first);
        CHECK(room.pours() == 4);
    }
}

TEST_CASE("a contract waits for each copy of a journal that an operator let go on") {
    Pair pair;
    pair.meet();
    auto& room = pair.room;
    room.session.run(
        "INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
        " VALUES ('j0002', 2, 't0006_compat', '0.2.0')"
    );
    pair.decide({room.side_of(pair.first), room.side_of(pair.second)});
    for (Device* device : {&pair.first, &pair.second}) {
        CHECK(room.hello(*device) == "epoch_closed");
        room.repair(*device);
        CHECK(room.hello(*device).empty());
        room.send_rest(*device);
    }
    const auto raise = [&](const Device& device) {
        auto message = device.hello();
        message.revision = "j0002";
        message.oldest_unacked_revision = "j0002";
        CHECK(std::holds_alternative<wire::HelloReply>(fleet::hello(room.session, "tap-1", message))
        );
    };
    const auto blocking = [&] { return compat::blockers(room.session, "j0002").size(); };
    CHECK(blocking() == 2);
    raise(pair.second);
    CHECK(blocking() == 1);
    SECTION("until the last of them is raised") {
        raise(pair.first);
        CHECK(blocking() == 0);
    }
    SECTION("or the journal is written off and neither is heard again") {
        fleet::retire_journal(room.session, "tap-1", pair.first.journal.id(), "burnt", "tester");
        std::ignore = fleet::hello(room.session, "tap-1", EpochsRoom::fresh("j0002"));
        CHECK(blocking() == 0);
        CHECK(room.hello(pair.first).empty());
        CHECK(blocking() == 1);
    }
}

TEST_CASE("a third device doesn't end the contest of two others") {
    Pair pair;
    pair.meet();
    auto& room = pair.room;
    pair.decide({room.side_of(pair.first), room.side_of(pair.second)});
    for (Device* device : {&pair.first, &pair.second}) {
        CHECK(room.hello(*device) == "epoch_closed");
        room.repair(*device);
        CHECK(room.hello(*device).empty());
        room.send_rest(*device);
    }
    // A copy of the first one's card, in a board of its own.
    Device clone = pair.first;
    clone.fingerprint = "pi-3";
    clone.boot_id = "boot-7";
    CHECK(room.hello(clone).empty());
    pair.first.add(5, "first-5");
    CHECK(room.hello(pair.first) == "two_alive");
    std::ignore = room.hello(pair.second);
    CHECK(problem(room.send(pair.first)).code == "two_alive");
    CHECK(room.hello(clone) == "two_alive");
    // They fall silent, and the second one goes on by itself.
    room.ten_minutes_pass();
    CHECK(room.hello(pair.second).empty());
    CHECK(
        room.bar.number("SELECT count(*) FROM tapline.journal WHERE contested_at IS NOT NULL") == 0
    );
}

TEST_CASE("a card that comes back after its image was repaired counts with what it says") {
    EpochsRoom room;
    room.session.run(
        "INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
        " VALUES ('j0002', 2, 't0006_compat', '0.2.0')"
    );
    Device card = room.settled(3);
    Device image = card;
    image.boot_id = "boot-2";
    image.acked = 1;
    for (int seq = 4; seq <= 9; ++seq) {
        image.add(seq, fmt::format("image-{}", seq));
    }
    // The image was made before pour 2, so its chain differs from there on.
    room.repair(image);
    CHECK(room.hello(image).empty());
    room.send_rest(image);
    room.ten_minutes_pass();
    card.boot_id = "boot-3";
    for (int seq = 4; seq <= 6; ++seq) {
        card.add(seq, fmt::format("card-{}", seq));
    }
    auto message = card.hello();
    message.revision = "j0002";
    message.oldest_unacked_revision = "j0001";
    message.depth = 3;
    std::ignore = fleet::hello(room.session, "tap-1", message);
    bool told = false;
    for (const auto& one : compat::blockers(room.session, "j0002")) {
        told = told || (one.reason == compat::Reason::holds_old && one.rows == 3);
    }
    CHECK(told);
}

TEST_CASE("a decided device stays decided through a reboot") {
    Pair pair;
    pair.meet();
    auto& room = pair.room;
    pair.decide({room.side_of(pair.second)});
    pair.first.boot_id = "boot-10";
    pair.second.boot_id = "boot-11";
    CHECK(room.hello(pair.first) == "epoch_closed");
    CHECK(room.refusal(pair.first) == "not_chosen");
    room.repair(pair.second);
    CHECK(room.hello(pair.second).empty());
}

TEST_CASE("two devices that can't be told apart but by their boots") {
    Pair pair;
    pair.second.fingerprint = pair.first.fingerprint;
    pair.meet();
    auto& room = pair.room;
    pair.decide({room.side_of(pair.second)});
    CHECK(room.refusal(pair.first) == "not_chosen");
    room.repair(pair.second);
    // Whoever boots now could be either of them.
    pair.second.boot_id = "boot-11";
    pair.second.epoch = 1;
    CHECK(room.refusal(pair.second) == "not_chosen");
}

TEST_CASE("only so many devices of a controller are remembered, and no other one pushes them out") {
    EpochsRoom room;
    auto device = room.settled(3);
    for (std::int64_t boot = 0; boot < fleet::max_sides + 5; ++boot) {
        device.boot_id = fmt::format("again-{}", boot);
        CHECK(room.hello(device).empty());
        std::ignore = fleet::hello(room.session, "tap-2", device.hello());
    }
    const auto sides_of = [&](const std::string& controller) {
        return room.session
            .query("SELECT count(*) FROM tapline.journal_side WHERE controller = $1", controller)[0]
            .integer(0);
    };
    CHECK(sides_of("tap-1") == fleet::max_sides);
    CHECK(sides_of("tap-2") == fleet::max_sides);
    CHECK(
        room.bar.number("SELECT max(side_id) FROM tapline.journal_side"
                        " WHERE controller = 'tap-1'") == room.side_of(device, "tap-1")
    );
}

TEST_CASE("a reboot is no second device") {
    EpochsRoom room;
    auto device = room.settled(3);
    for (int boot = 2; boot < 6; ++boot) {
        device.boot_id = fmt::format("boot-{}", boot);
        CHECK(room.hello(device).empty());
        CHECK(room.hello(device).empty());
    }
    CHECK(fleet::list_forks(room.session, true).empty());
}

TEST_CASE(
    "a card that was put into another device goes on, and forks are repaired when the other is gone"
) {
    Pair pair;
    auto& room = pair.room;
    CHECK(room.hello(pair.second).empty());
    CHECK(room.hello(pair.second).empty());
    // Its past differs, and the other device was here a moment ago: it may still be alive.
    pair.second.journal = FakeJournal(1);
    pair.second.acked = 0;
    pair.second.add(1, "id-1");
    pair.second.add(2, "other-2");
    CHECK(room.refusal(pair.second) == "another_alive");
    room.ten_minutes_pass();
    CHECK(room.repair(pair.second).cursor == 1);
}

TEST_CASE("where no fork is open there is nothing to decide") {
    Pair pair;
    CHECK_THROWS_WITH(
        pair.decide({pair.room.side_of(pair.first)}), Catch::Contains("no two devices")
    );
    pair.meet();
    CHECK_THROWS_WITH(pair.decide({9'999}), Catch::Contains("no such side"));
    const auto side = pair.room.side_of(pair.second);
    CHECK(pair.decide({side, side}).chosen == 1);
}

TEST_CASE("a journal is found by how its id begins, in capitals too") {
    EpochsRoom room;
    const auto find = [&](const std::string& prefix) {
        return fleet::find_journal_id(room.session, prefix);
    };
    CHECK_THROWS_WITH(find("6f"), Catch::Contains("no journal's id"));
    room.session.run(
        "INSERT INTO tapline.controller (name, status) VALUES ('tap-1', 'loopback');"
        "INSERT INTO tapline.journal (journal_id, controller)"
        " VALUES ('6f0cabcd-0000-4000-8000-000000000001', 'tap-1')"
    );
    CHECK_THROWS_WITH(find("6f"), Catch::Contains("too short"));
    CHECK(find("6F0CABCD-0000-4000-8000-000000000001") == find("6f0c"));
}

TEST_CASE("a moved journal is the new controller's, and the old one is refused") {
    EpochsRoom room;
    auto device = room.settled(3);
    const auto& id = device.journal.id();
    CHECK_THROWS_WITH(
        fleet::move_journal(room.session, id, "tap-2", "card moved", "anna"),
        Catch::Contains("no controller tap-2")
    );
    const auto foreign = fleet::hello(room.session, "tap-2", device.hello());
    CHECK(std::get<wire::Problem>(foreign).code == "not_yours");
    CHECK(fleet::list_forks(room.session, false).at(0).state == "shown_elsewhere");
    CHECK(fleet::move_journal(room.session, id, "tap-2", "card moved", "anna") == "tap-1");
    CHECK(room.hello(device) == "not_yours");
    CHECK(fleet::list_forks(room.session, false).empty());
    CHECK(
        problem(room.send([&] {
            device.add(4, "id-4");
            return device;
        }()))
            .code == "not_yours"
    );
    const auto moved = fleet::hello(room.session, "tap-2", device.hello());
    CHECK(std::holds_alternative<wire::HelloReply>(moved));
    CHECK(ack(send(room.settler, "tap-2", device.rest())).acked_through == 4);
    CHECK(
        room.bar.number("SELECT count(*) FROM tapline.controller_event"
                        " WHERE action = 'journal_moved' AND who = 'anna'") == 2
    );
    // Back again: now it is the other one that shows a foreign journal, and tap-1 that owns it.
    CHECK(fleet::move_journal(room.session, id, "tap-1", "wrong card", "anna") == "tap-2");
    std::ignore = fleet::hello(room.session, "tap-2", device.hello());
    CHECK(fleet::list_forks(room.session, false).empty());
    std::ignore = fleet::hello(room.session, "tap-3", device.hello());
    CHECK(fleet::list_forks(room.session, false).at(0).state == "shown_elsewhere");
}

}  // namespace tapline::test
