#include "central/fleet/liveness.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

namespace tapline::fleet {

namespace {

constexpr std::chrono::milliseconds window = 180s;

Side side(
    const std::string& fingerprint,
    std::chrono::milliseconds silent,
    std::chrono::milliseconds session
) {
    Side made;
    made.fingerprint = fingerprint;
    made.epoch = 1;
    made.silent = silent;
    made.session = session;
    return made;
}

Liveness judged(const Side& self, const Side& other, bool contested = false) {
    return judge(self, {other}, window, contested);
}

}  // namespace

TEST_CASE("a device that nobody else was near is alone") {
    CHECK(judge(side("a", 0s, 0s), {}, window, false) == Liveness::alone);
    CHECK(judged(side("a", 0s, 0s), side("b", 181s, 999s)) == Liveness::alone);
}

TEST_CASE("another device that was heard within the window may still be there") {
    CHECK(judged(side("b", 0s, 0s), side("a", 180s, 999s)) == Liveness::another);
    CHECK(judged(side("b", 0s, 60s), side("a", 61s, 999s)) == Liveness::another);
}

TEST_CASE("heard after the other began, and the other again: two are alive") {
    CHECK(judged(side("b", 0s, 60s), side("a", 59s, 999s)) == Liveness::two_alive);
    CHECK(judged(side("b", 0s, 60s), side("b", 59s, 999s)) == Liveness::two_alive);
}

TEST_CASE("the same hardware in a boot before is the same device") {
    CHECK(judged(side("a", 0s, 5s), side("a", 30s, 999s)) == Liveness::alone);
}

TEST_CASE("two that were alive stay so until one of them is silent for the window") {
    CHECK(judged(side("b", 0s, 1s), side("a", 100s, 100s), true) == Liveness::two_alive);
    CHECK(judged(side("b", 0s, 1s), side("a", 181s, 181s), true) == Liveness::alone);
}

TEST_CASE("a device in an epoch that was closed doesn't count") {
    auto other = side("a", 1s, 999s);
    other.epoch_open = false;
    CHECK(judged(side("b", 0s, 60s), other) == Liveness::alone);
}

TEST_CASE("two that an operator let go on are told apart by their epochs") {
    auto self = side("b", 0s, 60s);
    auto other = side("a", 1s, 999s);
    other.epoch = 2;
    CHECK(judged(self, other) == Liveness::two_alive);
    self.by_operator = other.by_operator = true;
    CHECK(judged(self, other) == Liveness::alone);
    other.epoch = 1;
    CHECK(judged(self, other) == Liveness::two_alive);
}

TEST_CASE("how long the others may still be there is told by the one heard last") {
    CHECK(until_alone({side("a", 100s, 0s), side("b", 30s, 0s)}, window) == 150s);
    CHECK(until_alone({}, window) == 0s);
}

}  // namespace tapline::fleet
