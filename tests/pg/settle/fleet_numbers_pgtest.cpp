// What /metrics tells of the database.
#include <catch2/catch.hpp>

#include "central/metrics/fleet_numbers.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

TEST_CASE("the fleet's numbers are those of journals, controllers, quarantine and holds") {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar(session);
    furnish(bar);
    auto view = metrics::read_fleet(session);
    CHECK(view.reached);
    CHECK(view.journals == 0);
    CHECK(view.depth_pours == 0);
    CHECK(view.quarantine.empty());
    FakeJournal one(1);
    FakeJournal two(2, "tap-2");
    one.add(pour(1, "a", 100));
    auto unknown = pour(2, "b", 100);
    set(unknown, "card_uid", Text{"no such card"});
    one.add(unknown);
    one.hello(session);
    two.hello(session);
    session.run(
        "UPDATE tapline.journal SET depth = 7, reported_at = now() - interval '11 minutes' "
        "WHERE controller = 'tap-2'"
    );
    settle::Settler settler(options_for(database.url()));
    wait_ready(settler);
    std::ignore = ack(send(settler, one.controller(), one.all()));
    CHECK(settler.waiting() == 0);
    session.run("INSERT INTO tapline.hold (reason, opened_by) VALUES ('test', 'test')");
    view = metrics::read_fleet(session);
    CHECK(view.journals == 2);
    CHECK(view.silent_journals == 1);
    CHECK(view.max_depth_pours == 7);
    CHECK(view.depth_pours >= 7);
    CHECK(view.hold_open);
    CHECK(view.controllers.at("loopback") == 2);
    CHECK(view.quarantine.at("unknown_card") == 1);
    session.run("UPDATE tapline.journal SET depth = 9223372036854775807");
    CHECK(metrics::read_fleet(session).depth_pours == INT64_MAX);
}

}  // namespace tapline::test
