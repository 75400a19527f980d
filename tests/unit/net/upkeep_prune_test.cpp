#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/syncer_bar.hpp"

using namespace std::chrono_literals;
using namespace tapline;
using test::Bar;

TEST_CASE("Syncer: once an hour, when the tap is quiet, old pours are pruned part by part") {
    Bar bar;
    bar.start();
    bar.run(50s, 1s);
    CHECK(bar.file.prunes.empty());
    bar.run(1min, 1s);
    REQUIRE(bar.file.prunes.size() == 1);
    CHECK(bar.file.prunes[0].keep == 30 * 24h);
    CHECK(bar.file.prunes[0].running >= 60s);
    CHECK(bar.file.prunes[0].running < 2min);
    bar.file.prunable_rows = 1'999;
    bar.run(1h, 1s);
    CHECK(bar.file.prunes.size() == 2);
    CHECK(bar.file.prunable_rows == 1'999);
    bar.file.prunable_rows = 2'200;
    bar.run(1h, 1s);
    CHECK(bar.file.prunable_rows == 0);
    CHECK(bar.file.prunes.size() == 7);
    CHECK(bar.syncer.status().room == sync::Room::ample);
}

TEST_CASE("Syncer: a tap that pours all the time isn't disturbed for the sake of old pours") {
    Bar bar;
    bar.file.prunable_rows = 5'000;
    bar.start();
    for (int second = 0; second < 600; second += 3) {
        bar.pour();
        bar.run(3s, 500ms);
    }
    CHECK(bar.file.prunes.empty());
    bar.run(20s, 100ms);
    CHECK(bar.file.prunable_rows == 0);
}

TEST_CASE("Syncer: on a card with little room whatever may go goes at once, pouring or not") {
    Bar bar;
    bar.start();
    bar.run(2min, 1s);
    const auto before = bar.file.prunes.size();
    bar.file.prunable_rows = 700;
    bar.file.free_bytes = sync::scarce_bytes - 1;
    for (int pours = 0; pours < 5; ++pours) {
        bar.pour();
        bar.run(1s, 100ms);
    }
    CHECK(bar.syncer.status().room == sync::Room::scarce);
    CHECK(bar.file.prunable_rows == 0);
    REQUIRE(bar.file.prunes.size() > before);
    CHECK(bar.file.prunes[before].keep == 0s);
    CHECK(bar.file.prunes[before].at_least == 1);
    CHECK(bar.all_stored_once());
}

TEST_CASE("Syncer: a card that others fill is noticed within an hour, and so is room that came back"
) {
    Bar bar;
    bar.start();
    bar.run(2min, 1s);
    bar.file.free_bytes = sync::alarm_bytes - 1;
    bar.run(61min, 1s);
    CHECK(bar.syncer.status().room == sync::Room::alarm);
    bar.file.free_bytes = sync::low_bytes * 2;
    bar.run(61min, 1s);
    CHECK(bar.syncer.status().room == sync::Room::ample);
}

TEST_CASE("Syncer: on a card that the WAL has filled it is copied back, whatever can't be written"
) {
    Bar bar;
    bar.file.full_of_wal = true;
    bar.file.write_failure.emplace(ErrorKind::storage_full, "disk_full", "disk full", "make room");
    bar.file.free_bytes = 0;
    bar.start();
    for (int pours = 0; pours < 50; ++pours) {
        bar.pour();
        bar.run(100ms, 50ms);
    }
    CHECK_FALSE(bar.file.write_failure);
    CHECK(bar.file.boots.size() == 1);
    CHECK(bar.syncer.status().room == sync::Room::alarm);
    CHECK(bar.all_stored_once());
}

TEST_CASE("Syncer: on a card without room the WAL stays short") {
    Bar bar;
    bar.start();
    bar.run(10s, 100ms);
    const auto longest_wal = [&bar] {
        std::int64_t longest = 0;
        for (int pours = 0; pours < 40; ++pours) {
            bar.pour();
            bar.run(500ms, 50ms);
            longest = std::max(longest, bar.file.wal_pages);
        }
        return longest;
    };
    CHECK(longest_wal() > 100);
    bar.file.free_bytes = sync::alarm_bytes - 1;
    bar.run(6s, 100ms);
    CHECK(longest_wal() < 60);
}
