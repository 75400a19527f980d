#include "agent/sync/room.hpp"

#include <catch2/catch.hpp>

using namespace tapline;
using sync::Room;

namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20U;

journal::Counts counts(std::int64_t free_bytes) {
    journal::Counts counts;
    counts.free_bytes = free_bytes;
    return counts;
}

}  // namespace

TEST_CASE("Room: each rung begins at its limit and ends a quarter above it") {
    CHECK(sync::room_of(256 * mib, std::nullopt, Room::ample) == Room::ample);
    CHECK(sync::room_of(256 * mib - 1, std::nullopt, Room::ample) == Room::low);
    CHECK(sync::room_of(320 * mib - 1, std::nullopt, Room::low) == Room::low);
    CHECK(sync::room_of(320 * mib, std::nullopt, Room::low) == Room::ample);
    CHECK(sync::room_of(64 * mib, std::nullopt, Room::low) == Room::low);
    CHECK(sync::room_of(64 * mib - 1, std::nullopt, Room::low) == Room::scarce);
    CHECK(sync::room_of(80 * mib - 1, std::nullopt, Room::scarce) == Room::scarce);
    CHECK(sync::room_of(80 * mib, std::nullopt, Room::scarce) == Room::low);
    CHECK(sync::room_of(16 * mib, std::nullopt, Room::scarce) == Room::scarce);
    CHECK(sync::room_of(16 * mib - 1, std::nullopt, Room::ample) == Room::alarm);
    CHECK(sync::room_of(20 * mib - 1, std::nullopt, Room::alarm) == Room::alarm);
    CHECK(sync::room_of(20 * mib, std::nullopt, Room::alarm) == Room::scarce);
    CHECK(sync::room_of(0, std::nullopt, Room::ample) == Room::alarm);
}

TEST_CASE("Room: few days are low however many bytes are free, and nothing worse") {
    CHECK(sync::room_of(1000 * mib, 14, Room::ample) == Room::ample);
    CHECK(sync::room_of(1000 * mib, 13, Room::ample) == Room::low);
    CHECK(sync::room_of(1000 * mib, 16, Room::low) == Room::low);
    CHECK(sync::room_of(1000 * mib, 17, Room::low) == Room::ample);
    CHECK(sync::room_of(1000 * mib, 0, Room::ample) == Room::low);
}

TEST_CASE(
    "Room: days are what the card and the file's own gaps hold, at this journal's size of a pour"
) {
    CHECK_FALSE(sync::days_left(counts(100 * mib), std::nullopt));
    CHECK_FALSE(sync::days_left(counts(100 * mib), 0));
    // 84 MiB beyond the alarm, 512 bytes each.
    CHECK(sync::days_left(counts(100 * mib), 1'000) == 84 * mib / 512 / 1'000);
    CHECK(sync::days_left(counts(10 * mib), 1'000) == 0);

    auto full = counts(17 * mib);
    full.rows_kept = 10'000;
    full.file_bytes = 12'000'000;
    full.reusable_bytes = 2'000'000;
    CHECK(sync::days_left(full, 100) == (mib + 2'000'000) / 1'000 / 100);
}

TEST_CASE("Room: the names are those of the status file, and each rung above ample has its words") {
    for (const auto room : {Room::ample, Room::low, Room::scarce, Room::alarm}) {
        CHECK(sync::room_named(sync::name_of(room)) == room);
        CHECK(sync::what_to_do(room).empty() == (room == Room::ample));
    }
    CHECK(sync::room_named("") == Room::ample);
}
