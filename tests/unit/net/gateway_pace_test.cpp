// How fast a fleet that was cut off is let in again.
#include <map>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/gateway/pace.hpp"

namespace tapline::test {

using gateway::Pace;
using gateway::PaceRules;
using namespace std::chrono_literals;

namespace {

const MonoTime start{1'000s};

std::string journal(int number) {
    return fmt::format("{:036}", number);
}

}  // namespace

TEST_CASE("Pace.LetsInWhatABurstHoldsAndPromisesTheRestATurn") {
    Pace pace({.per_second = 10});
    for (int i = 0; i < 11; ++i) {
        CHECK_FALSE(pace.ask(journal(i), start));
    }
    CHECK(pace.ask(journal(11), start) == 2s);  // 1.1 s, in whole ones
    for (int i = 12; i < 61; ++i) {
        CHECK(pace.ask(journal(i), start));
    }
    CHECK(pace.ask(journal(61), start) == 7s);
}

TEST_CASE("Pace.WhoComesAtItsTurnIsLetInAndWhoComesTooEarlyKeepsIt") {
    Pace pace({.per_second = 1, .burst = 0ms});
    CHECK_FALSE(pace.ask(journal(0), start));
    CHECK(pace.ask(journal(1), start) == 1s);
    CHECK(pace.ask(journal(2), start) == 2s);
    CHECK(pace.ask(journal(2), start + 500ms) == 2s);
    CHECK_FALSE(pace.ask(journal(2), start + 2'000ms));
    CHECK_FALSE(pace.ask(journal(1), start + 2'000ms));
    CHECK(pace.ask(journal(3), start + 2'000ms) == 1s);
}

TEST_CASE("Pace.AHeartbeatTakesNoTurn") {
    Pace pace({.per_second = 1, .burst = 0ms, .session = 60s});
    CHECK_FALSE(pace.ask(journal(1), start));
    for (auto at = 1s; at < 600s; at += 50s) {
        CHECK_FALSE(pace.ask(journal(1), start + at));
    }
    // Silent for longer than a session: it takes a turn like everybody else.
    CHECK_FALSE(pace.ask(journal(2), start + 700s));
    CHECK(pace.ask(journal(1), start + 700s) == 1s);
}

TEST_CASE("Pace.APromiseThatWasNotTakenIsForgotten") {
    Pace pace({.per_second = 1, .burst = 0ms});
    CHECK_FALSE(pace.ask(journal(1), start));
    CHECK(pace.ask(journal(2), start) == 1s);
    CHECK_FALSE(pace.ask(journal(3), start + 10min));
    CHECK(pace.ask(journal(2), start + 10min) == 1s);
}

TEST_CASE("Pace.NothingIsPromisedBeyondTheFarthestTurn") {
    Pace pace({.per_second = 1, .burst = 0ms, .farthest = 5s});
    for (int i = 0; i < 6; ++i) {
        (void)pace.ask(journal(i), start);
    }
    for (int i = 6; i < 40; ++i) {
        CHECK(pace.ask(journal(i), start) == 5s);
    }
    CHECK(pace.remembered() == 6);
    CHECK_FALSE(pace.ask(journal(39), start + 6s));
}

TEST_CASE("Pace.RemembersNoMoreJournalsThanItsLimit") {
    Pace pace({.per_second = 1'000'000, .most_journals = 3});
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(pace.ask(journal(i), start));
        CHECK(pace.remembered() <= 3);
    }
}

TEST_CASE("Pace.AFleetThatComesAtOnceIsLetInAtTheRateWithTwoCallsEach") {
    constexpr int fleet = 2'000;
    constexpr int per_second = 40;
    Pace pace({.per_second = per_second});
    std::mt19937 random(7);
    std::multimap<MonoTime, int> calls;
    std::map<int, int> tries;
    std::map<std::int64_t, int> let_in;
    for (int i = 0; i < fleet; ++i) {
        calls.emplace(start, i);
    }
    while (!calls.empty()) {
        const auto [now, who] = *calls.begin();
        calls.erase(calls.begin());
        ++tries[who];
        if (const auto wait = pace.ask(journal(who), now)) {
            const std::chrono::milliseconds floor = *wait;
            auto jitter = std::uniform_int_distribution<std::int64_t>(0, floor.count() / 2);
            calls.emplace(now + floor + std::chrono::milliseconds(jitter(random)), who);
        } else {
            ++let_in[std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()];
        }
    }
    for (const auto& [second, count] : let_in) {
        INFO("second " << second);
        CHECK(count <= per_second + per_second / 2);
    }
    for (const auto& [who, count] : tries) {
        CHECK(count <= 2);
    }
}

}  // namespace tapline::test
