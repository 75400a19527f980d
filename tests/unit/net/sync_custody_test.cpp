#include <catch2/catch.hpp>

#include "agent/sync/advice.hpp"
#include "agent/sync/custody.hpp"

using namespace std::chrono_literals;
using tapline::MonoTime;
using tapline::sync::Custody;
using tapline::sync::CustodyRules;

namespace {

const MonoTime start{1h};

}  // namespace

TEST_CASE("Custody: a row is due after the patience, counted from when it was noticed") {
    Custody custody(CustodyRules{});
    CHECK_FALSE(custody.due());
    custody.rows_arrived(start);
    custody.rows_arrived(start + 1s);
    CHECK(custody.due() == start + 2s);
}

TEST_CASE("Custody: a read that finds nothing clears what was noticed before it began") {
    Custody custody(CustodyRules{});
    custody.rows_arrived(start);
    const auto before = custody.glance(start + 10ms);
    SECTION("nothing new since") {
        custody.nothing_left(before);
        CHECK_FALSE(custody.due());
    }
    SECTION("a row came while it read") {
        custody.rows_arrived(start + 20ms);
        custody.nothing_left(before);
        CHECK(custody.due() == start + 2'010ms);
    }
}

TEST_CASE("Custody: while no ack is expected marks are due at once, but spaced") {
    Custody custody(CustodyRules{});
    custody.expect_ack(false);
    custody.rows_arrived(start);
    CHECK(custody.due() == start);
    custody.nothing_left(custody.glance(start));
    custody.marked(start);
    custody.rows_arrived(start + 10ms);
    CHECK(custody.due() == start + 200ms);
}

TEST_CASE("Custody: switched off, nothing is ever due") {
    CustodyRules rules;
    rules.enabled = false;
    Custody custody(rules);
    custody.expect_ack(false);
    custody.rows_arrived(start);
    CHECK_FALSE(custody.due());
}

TEST_CASE("Advice: the action decides, and the status where the action says nothing") {
    using tapline::sync::Step;
    const auto advise = [](int status, const std::string& code, const std::string& action) {
        tapline::wire::Problem problem;
        problem.status = status;
        problem.code = code;
        problem.action = action;
        return tapline::sync::advise(problem);
    };
    CHECK(advise(503, "hold", "hold") == Step::hold);
    CHECK(advise(409, "gap", "resync") == Step::resync);
    CHECK(advise(409, "fork", "fork") == Step::fork);
    CHECK(advise(401, "expired", "renew") == Step::wait);
    CHECK(advise(418, "new_code", "an action of next year") == Step::wait);
    CHECK(advise(500, "new_code", "an action of next year") == Step::retry);
    CHECK(advise(413, "not_tapline", "retry") == Step::split);
    CHECK(advise(502, "not_tapline", "retry") == Step::retry);
    CHECK(advise(404, "not_tapline", "retry") == Step::retry);
}
