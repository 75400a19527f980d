// What a group of checks tells when its process ends in other ways than it should.
#include "agent/doctor/group.hpp"

#include <csignal>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/error.hpp"

using namespace std::chrono_literals;

namespace tapline::test {

namespace {

using doctor::Verdict;

doctor::Group two(std::function<void(const doctor::Tell&)> look) {
    doctor::Group group;
    group.ids = {"first", "second"};
    group.subject = "a.db";
    group.limit = 30s;
    group.look = std::move(look);
    return group;
}

doctor::Report seen(const doctor::Group& group, const doctor::Report& before = {}) {
    const auto report = doctor::look_at(group, before, std::chrono::steady_clock::now() + 60s);
    REQUIRE(report.size() == 2);
    CHECK(report[0].id == "first");
    CHECK(report[1].id == "second");
    CHECK(report[0].subject == "a.db");
    CHECK(report[1].subject == "a.db");
    return report;
}

[[noreturn]] void hang() {
    while (true) {
        ::pause();
    }
}

}  // namespace

TEST_CASE("What a group tells comes back in the order of its ids") {
    const auto report = seen(two([](const doctor::Tell& tell) {
        tell({"second", Verdict::warn, "2 \xff", "do", ""});
        tell({"first", Verdict::ok, "1", "", ""});
    }));
    CHECK(report[0].measured == "1");
    CHECK(report[1].verdict == Verdict::warn);
    CHECK(report[1].what_to_do == "do");
}

TEST_CASE("A group that ends early has told why, and the rest points there") {
    const auto report = seen(two([](const doctor::Tell& tell) {
        tell({"first", Verdict::fail, "missing", "find it", ""});
    }));
    CHECK(report[1].verdict == Verdict::skip);
    CHECK(report[1].measured == "not looked at: see first");
}

TEST_CASE("An error fails the first check that wasn't told; a busy file only leaves it unknown") {
    const auto throwing = [](ErrorKind kind) {
        return two([kind](const doctor::Tell&) { throw Error(kind, "code", "it broke", "mend it"); }
        );
    };
    const auto broken = seen(throwing(ErrorKind::storage));
    CHECK(broken[0].verdict == Verdict::fail);
    CHECK(broken[0].measured == "it broke");
    CHECK(broken[0].what_to_do == "mend it");
    CHECK(broken[1].verdict == Verdict::skip);
    const auto busy = seen(throwing(ErrorKind::storage_busy));
    CHECK(busy[0].verdict == Verdict::unknown);
    CHECK(busy[0].what_to_do.empty());
}

TEST_CASE("A group that hangs is killed at its limit; what it told counts") {
    auto group = two([](const doctor::Tell& tell) {
        tell({"first", Verdict::ok, "1", "", ""});
        hang();
    });
    group.limit = 300ms;
    const auto begin = std::chrono::steady_clock::now();
    const auto plain = seen(group);
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
    CHECK(plain[0].verdict == Verdict::ok);
    CHECK(plain[1].verdict == Verdict::unknown);
    CHECK(plain[1].measured == "no answer within 0.3 s");
    CHECK(plain[1].what_to_do.empty());
    group.late = Verdict::fail;
    group.late_advice = "look there";
    const auto finding = seen(group);
    CHECK(finding[1].verdict == Verdict::fail);
    CHECK(finding[1].what_to_do == "look there");
}

TEST_CASE("A group that dies or floods is told as such") {
    const auto dead = seen(two([](const doctor::Tell&) { ::raise(SIGKILL); }));
    CHECK(dead[0].verdict == Verdict::unknown);
    CHECK(dead[0].measured == "the check ended by signal 9");
    const auto flood = seen(two([](const doctor::Tell& tell) {
        while (true) {
            tell({"other", Verdict::ok, std::string(1'000, 'x'), "", ""});
        }
    }));
    CHECK(flood[0].verdict == Verdict::unknown);
}

TEST_CASE("A group isn't begun when the time is over or what it needs isn't well") {
    int begun[2];
    REQUIRE(::pipe(begun) == 0);
    auto group = two([&begun](const doctor::Tell& tell) {
        CHECK(::write(begun[1], "x", 1) == 1);
        tell({"first", Verdict::ok, "", "", ""});
    });
    const auto over = doctor::look_at(group, {}, std::chrono::steady_clock::now());
    CHECK(over[0].verdict == Verdict::unknown);
    group.needs = {"needed"};
    const auto skipped = seen(group, {{"needed", Verdict::warn, "", "", ""}});
    CHECK(skipped[0].verdict == Verdict::skip);
    CHECK(skipped[0].measured == "not looked at: see needed");
    ::close(begun[1]);
    char byte = 0;
    CHECK(::read(begun[0], &byte, 1) == 0);
    ::close(begun[0]);
    const auto elsewhere =
        seen(two([](const doctor::Tell&) {}), {{"needed", Verdict::fail, "", "", "b.db"}});
    CHECK(elsewhere[0].verdict == Verdict::skip);
}

}  // namespace tapline::test
