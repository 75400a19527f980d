// Wires and journal revisions that central serves, refuses, or keeps in quarantine.
#include <functional>
#include <tuple>

#include <catch2/catch.hpp>

#include "central/compat/blockers.hpp"
#include "central/fleet/overview.hpp"
#include "central/fleet/retire.hpp"
#include "central/settle/journal_shapes.hpp"
#include "common/error.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/journal_shapes.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    FakeJournal journal{1};

    Room() {
        furnish(bar);
        session.run(
            "INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
            " VALUES ('j0002', 2, 't0006_compat', '0.2.0')"
        );
    }

    void fix(const std::string& revision) {
        session.query(
            "INSERT INTO tapline.journal_minimum (lineage, contract, revision, fixed_by)"
            " VALUES ('app', 'c0001', $1, 'tester')",
            revision
        );
    }

    wire::Problem refusal(const wire::Hello& message) {
        const auto outcome = fleet::hello(session, "tap-1", message);
        REQUIRE(std::holds_alternative<wire::Problem>(outcome));
        return std::get<wire::Problem>(outcome);
    }

    wire::HelloReply reply(const wire::Hello& message) {
        const auto outcome = fleet::hello(session, "tap-1", message);
        REQUIRE(std::holds_alternative<wire::HelloReply>(outcome));
        return std::get<wire::HelloReply>(outcome);
    }

    wire::Hello at(const std::string& revision, const std::string& oldest = "") {
        auto message = journal.hello_message();
        message.revision = revision;
        message.oldest_unacked_revision = oldest.empty() ? revision : oldest;
        return message;
    }

    std::string settled() {
        return bar.text("SELECT count(*) || ' ' || coalesce(sum(amount), 0) FROM tapline.receipt");
    }
};

std::string code_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    return "";
}

/// Columns that a release's INSERT names, with plausible values; gen3 has its JSON.
RawPour written_by(const Release& release, Seq seq) {
    RawPour row;
    row.seq = seq;
    const std::string id = std::string(release.name) + "-1";
    if (release.name == "gen3") {
        set(row,
            "data",
            Text{
                R"({"client_tx_id":")" + id +
                R"(","card_uid":"8C 5E FC 0C","tap_id":1,"volume_ml":412,)"
                R"("start_ts":"2026-02-12T18:03:11+00:00","price_cents":185})"});
        set(row, "client_tx_id", Text{id});
        return row;
    }
    const std::string names(release.insert.substr(0, release.insert.find("VALUES")));
    const auto has = [&](const char* name) { return names.find(name) != std::string::npos; };
    set(row, "client_tx_id", Text{id});
    set(row, "card_uid", Text{"8c5efc0c"});
    set(row, "tap_id", std::int64_t{1});
    set(row, "volume_ml", std::int64_t{412});
    set(row, "price_cents", std::int64_t{185});
    if (has("start_ts")) {
        set(row, "start_ts", Text{"2026-02-12T18:03:11.123456+00:00"});
        set(row, "end_ts", Text{"2026-02-12T18:03:14+00:00"});
    }
    if (has("duration_ms")) {
        set(row, "duration_ms", std::int64_t{2'900});
    }
    if (has("short_id")) {
        set(row, "short_id", Text{"ABCDEF01"});
    }
    if (has("tail_volume_ml")) {
        set(row, "tail_volume_ml", std::int64_t{7});
    }
    if (has("price_per_ml_at_pour")) {
        set(row, "price_per_ml_at_pour", 45.0);
    }
    return row;
}

}  // namespace

TEST_CASE("every journal revision of the table has a shape, in the same order") {
    TestDatabase database;
    pg::Session session = database.connect();
    std::vector<std::string> shapes;
    for (const auto& shape : settle::journal_shapes()) {
        shapes.emplace_back(shape.revision);
    }
    CHECK(fleet::journal_terms(session).known == shapes);
}

TEST_CASE("the window of wires and the known journals stand in the database") {
    Room room;
    CHECK(room.reply(room.at("j0001")).journal_minimum.empty());
    const auto fresh = room.refusal(room.at("j0009"));
    CHECK(fresh.status == 426);
    CHECK(fresh.code == "journal_too_new");
    room.fix("j0002");
    const auto old = room.refusal(room.at("j0001"));
    CHECK(old.code == "journal_too_old");
    CHECK(old.detail.find("tapline-agent 0.2.0") != std::string::npos);
    CHECK(room.reply(room.at("j0002")).journal_minimum == "j0002");
    room.session.run("UPDATE tapline.wire_window SET min_version = 2, max_version = 3");
    CHECK(room.refusal(room.at("j0002")).code == "upgrade_required");
    // What was refused is known all the same: the fleet's table and contracts go by it.
    CHECK(room.bar.text("SELECT revision FROM tapline.journal") == "j0002");
}

TEST_CASE("settling goes by the same table as hello") {
    Room room;
    room.journal.add(pour(1, "a", 100));
    room.journal.hello(room.session);
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    auto batch = room.journal.all();
    batch.revision = "j0009";
    CHECK(problem(send(settler, "tap-1", batch)).code == "journal_too_new");
    room.fix("j0002");
    CHECK(problem(send(settler, "tap-1", room.journal.all())).code == "journal_too_old");
    CHECK(room.settled() == "0 0");
    room.session.run("UPDATE tapline.wire_window SET min_version = 2, max_version = 2");
    CHECK(problem(send(settler, "tap-1", room.journal.all())).code == "upgrade_required");
    room.session.run("UPDATE tapline.wire_window SET min_version = 1");
    room.session.run("DELETE FROM tapline.journal_minimum");
    CHECK(ack(send(settler, "tap-1", room.journal.all())).acked_through == 1);
    room.fix("j0002");
    // Settled before: the answer comes again, nothing is settled by it.
    CHECK(ack(send(settler, "tap-1", room.journal.all())).acked_through == 1);
    CHECK(room.settled() == "1 0.45");
}

TEST_CASE("old rows of a journal that has been raised are kept, and what follows them settles") {
    Room room;
    room.journal.add(pour(1, "a", 100));
    room.journal.add(pour(2, "b", 200));
    room.fix("j0002");
    std::ignore = room.reply(room.at("j0002", "j0001"));
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    const auto first = ack(send(settler, "tap-1", room.journal.batch(1, 1)));
    CHECK(first.acked_through == 1);
    REQUIRE(first.quarantined.size() == 1);
    CHECK(first.quarantined[0].code == "journal_too_old");
    auto next = room.journal.batch(2, 2);
    next.revision = "j0002";
    CHECK(ack(send(settler, "tap-1", next)).quarantined.empty());
    CHECK(room.settled() == "1 0.90");
}

TEST_CASE("a retired controller's late pours end in quarantine, acked, and charge nobody") {
    Room room;
    room.journal.add(pour(1, "a", 100));
    room.journal.add(pour(2, "b", 100));
    room.journal.add(pour(3, "c", 100));
    room.journal.hello(room.session);
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    CHECK(ack(send(settler, "tap-1", room.journal.batch(1, 1))).quarantined.empty());
    fleet::retire(room.session, "tap-1", "drowned", "tester");
    const auto late = ack(send(settler, "tap-1", room.journal.batch(2, 2)));
    CHECK(late.acked_through == 2);
    REQUIRE(late.quarantined.size() == 1);
    CHECK(late.quarantined[0].code == "retired_controller");
    room.fix("j0002");
    CHECK(
        ack(send(settler, "tap-1", room.journal.batch(3, 3))).quarantined[0].code ==
        "journal_too_old"
    );
    CHECK(room.reply(room.at("j0001")).journal_minimum.empty());
    CHECK(room.settled() == "1 0.45");
    CHECK(room.bar.number("SELECT cursor FROM tapline.cursor") == 3);
    CHECK(
        room.bar.text("SELECT who || ' ' || detail FROM tapline.controller_event "
                      "WHERE action = 'retired'") == "tester drowned"
    );
    CHECK(code_of([&] { fleet::retire(room.session, "tap-1", "x", "t"); }) == "retired");
    CHECK(code_of([&] {
              fleet::retire(room.session, "nobody", "x", "t");
          }) == "unknown_controller");
}

TEST_CASE("rows of every release settle at head with the same money") {
    Room room;
    Seq seq = 0;
    for (const auto& release : releases) {
        room.journal.add(written_by(release, ++seq));
    }
    room.journal.hello(room.session);
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    CHECK(ack(send(settler, "tap-1", room.journal.all())).quarantined.empty());
    CHECK(room.settled() == "8 14.80");
    CHECK(room.bar.number("SELECT count(DISTINCT amount) FROM tapline.receipt") == 1);
    CHECK(room.bar.balance_cents(1) == 10'000 - 1'480);
}

TEST_CASE("who blocks a contract is told by the last hello, the cursor and the controller's status"
) {
    Room room;
    const auto who = [&] {
        std::string text;
        for (const auto& one : compat::blockers(room.session, "j0002")) {
            text += one.controller + ":" + compat::to_string(one.reason) + ":" +
                    std::to_string(one.rows) + " ";
        }
        return text;
    };
    CHECK(who().empty());
    // On the loopback only journals with pours count, those poured since the hello as well; an
    // enrolled one blocks unseen.
    std::ignore = room.reply(room.at("j0001"));
    CHECK(who().empty());
    room.session.run(
        "INSERT INTO tapline.controller (name, status) VALUES ('bar-2', 'enrolled'), "
        "('bar-3', 'pending'), ('bar-4', 'retired'), ('bar-5', 'revoked')"
    );
    CHECK(who() == "bar-2:never_seen:0 ");
    room.session.run("DELETE FROM tapline.controller WHERE name = 'bar-2'");
    room.journal.add(pour(1, "a", 100));
    room.journal.add(pour(2, "b", 100));
    auto message = room.at("j0001");
    message.depth = 2;
    std::ignore = room.reply(message);
    CHECK(who() == "tap-1:writes_old:2 ");
    message = room.at("j0002", "j0001");
    message.depth = 2;
    std::ignore = room.reply(message);
    CHECK(who() == "tap-1:holds_old:2 ");
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    std::ignore = ack(send(settler, "tap-1", room.journal.batch(1, 1)));
    CHECK(who() == "tap-1:holds_old:1 ");
    std::ignore = room.reply(room.at("j0001"));
    room.session.run("UPDATE tapline.journal SET max_seq = 0");
    CHECK(who() == "tap-1:writes_old:0 ");
    std::ignore = room.reply(message);
    std::ignore = ack(send(settler, "tap-1", room.journal.batch(2, 2)));
    CHECK(who().empty());  // the moment the last old pour is acked, not a heartbeat later
    message = room.at("j0001");
    std::ignore = room.reply(message);
    fleet::retire(room.session, "tap-1", "gone", "tester");
    CHECK(who().empty());
}

TEST_CASE("a journal whose card was replaced is waited for until it is written off") {
    Room room;
    const auto blocking = [&] { return compat::blockers(room.session, "j0002").size(); };
    room.session.run("INSERT INTO tapline.controller (name, status) VALUES ('tap-1', 'enrolled')");
    room.journal.add(pour(1, "a", 100));
    std::ignore = room.reply(room.at("j0001"));
    CHECK(blocking() == 1);
    CHECK_THROWS_AS(
        fleet::retire_journal(room.session, "tap-2", room.journal.id(), "card", "tester"), Error
    );
    fleet::retire_journal(room.session, "tap-1", room.journal.id(), "card", "tester");
    CHECK(blocking() == 1);  // what the new card holds nobody knows yet
    auto next = room.at("j0002", "j0002");
    next.journal_id = journal_id(2);
    std::ignore = room.reply(next);
    CHECK(blocking() == 0);
    // The old card is put in again.
    std::ignore = room.reply(room.at("j0001"));
    CHECK(blocking() == 1);
}

}  // namespace tapline::test
