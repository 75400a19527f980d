#include "agent/journal/ages.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using tapline::Seq;
using tapline::journal::Ages;

namespace {

constexpr const char* journal_id = "0123456789abcdef0123456789abcdef";

std::size_t marks_in(const Ages& ages) {
    const auto text = ages.encode();
    const auto list = text.substr(text.find("\"marks\""));
    return static_cast<std::size_t>(std::count(list.begin(), list.end(), '[')) - 1;
}

}  // namespace

TEST_CASE("Ages: a pour is as old as the agent has been running since its ack, no older") {
    Ages ages(journal_id);
    CHECK(ages.acked_for(0s, 0s) == 0);
    CHECK(ages.note(1h, 10));
    CHECK(ages.note(3h, 20));
    CHECK(ages.acked_for(1h, 90min) == 0);
    CHECK(ages.acked_for(1h, 2h) == 10);
    CHECK(ages.acked_for(1h, 4h - 1s) == 10);
    CHECK(ages.acked_for(1h, 4h) == 20);
    CHECK(ages.acked_for(30 * 24h, 4h) == 0);
}

TEST_CASE("Ages: a mark an hour, and none while nothing new is acked") {
    Ages ages(journal_id);
    CHECK(ages.note(10s, 5));
    CHECK_FALSE(ages.note(10s + 59min, 50));
    CHECK_FALSE(ages.note(2h, 5));
    CHECK(ages.note(3h, 50));
    CHECK_FALSE(ages.note(100h, 50));
    CHECK(ages.acked_for(97h, 100h) == 50);
}

TEST_CASE("Ages: a cursor that stepped back makes pours young again") {
    Ages ages(journal_id);
    ages.note(1h, 10);
    ages.note(2h, 20);
    CHECK(ages.note(3h, 15));  // what was forgotten has to be forgotten in the file, too
    CHECK(ages.acked_for(1h, 3h) == 10);
    ages.note(4h, 20);
    CHECK(ages.acked_for(1h, 4h) == 15);
    CHECK(ages.acked_for(1h, 5h) == 20);
}

TEST_CASE("Ages: years of marks stay few, and no pour gets older by that") {
    Ages ages(journal_id);
    Seq acked = 0;
    for (auto now = 0h; now < 24h * 365 * 5; now += 1h) {
        ages.note(now, ++acked);
        // An hour's mark of seq n was set at hour n - 1.
        if (now > 100h) {
            REQUIRE(ages.acked_for(72h, now) <= acked - 72);
        }
    }
    CHECK(marks_in(ages) <= tapline::journal::max_age_marks);
    CHECK(marks_in(ages) > tapline::journal::max_age_marks / 3);
    CHECK(ages.acked_for(30 * 24h, 24h * 365 * 5) > acked - 60 * 24);
}

TEST_CASE("Ages: what is written is read again, whatever else is read counts for nothing") {
    Ages ages(journal_id);
    ages.note(1h, 10);
    ages.note(3h, 20);
    const auto text = ages.encode();
    CHECK(Ages::decode(text, journal_id).encode() == text);
    CHECK(Ages::decode(text, journal_id).uptime() == 3h);
    const std::string nothing = Ages(journal_id).encode();
    CHECK(Ages::decode(text, "another").acked_for(0s, 1000h) == 0);
    for (std::size_t length = 0; length + 2 < text.size(); ++length) {
        CHECK(Ages::decode(text.substr(0, length), journal_id).encode() == nothing);
    }
    const auto with = [](const std::string& rest) {
        return Ages::decode(
            std::string("{\"journal_id\":\"") + journal_id + "\"," + rest, journal_id
        );
    };
    CHECK(with("\"uptime_s\":9,\"marks\":[[5,1],[4,2]]}").encode() == nothing);
    CHECK(with("\"uptime_s\":9,\"marks\":[[4,2],[5,1]]}").encode() == nothing);
    CHECK(with("\"uptime_s\":9,\"marks\":[[-4,2]]}").encode() == nothing);
    CHECK(with("\"uptime_s\":3,\"marks\":[[4,2]]}").encode() == nothing);
    CHECK(with("\"uptime_s\":9,\"marks\":[7]}").encode() == nothing);
    CHECK(with("\"uptime_s\":\"9\",\"marks\":[]}").encode() == nothing);
    CHECK(with("\"uptime_s\":9,\"marks\":[[4,2]]}").acked_for(5s, 9s) == 2);
}

TEST_CASE("Ages: pours a day are those of the last month of running") {
    Ages ages(journal_id);
    ages.note(0h, 1'000);
    CHECK_FALSE(ages.pours_per_day(1'500, 23h));
    CHECK(ages.pours_per_day(1'500, 24h) == 500);
    ages.note(24h * 60, 1'000'000);
    CHECK(ages.pours_per_day(1'000'100, 24h * 70) == 10);
    CHECK_FALSE(ages.pours_per_day(1'000'100, 24h * 200));
}
