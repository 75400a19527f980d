#include "agent/sync/room.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tapline::sync {

namespace {

/// Of a pour in a file that holds few: table, index of ids, and what pages leave empty.
constexpr std::int64_t usual_bytes_per_pour = 512;
constexpr std::int64_t rows_worth_an_average = 1'000;

constexpr std::array<std::pair<Room, std::string_view>, 4> names{{
    {Room::ample, "ample"},
    {Room::low, "low"},
    {Room::scarce, "scarce"},
    {Room::alarm, "alarm"},
}};

bool below(std::int64_t value, std::int64_t limit, bool already) noexcept {
    return value < (already ? limit + limit / 4 : limit);
}

}  // namespace

std::optional<std::int64_t> days_left(
    const journal::Counts& counts, std::optional<std::int64_t> pours_per_day
) noexcept {
    if (!pours_per_day || *pours_per_day <= 0) {
        return std::nullopt;
    }
    const auto used = counts.file_bytes - counts.reusable_bytes;
    const auto per_pour = counts.rows_kept >= rows_worth_an_average
                              ? std::max<std::int64_t>(used / counts.rows_kept, 1)
                              : usual_bytes_per_pour;
    const auto room =
        std::max<std::int64_t>(counts.free_bytes - alarm_bytes, 0) + counts.reusable_bytes;
    return room / per_pour / *pours_per_day;
}

Room room_of(std::int64_t free_bytes, std::optional<std::int64_t> days, Room before) noexcept {
    if (below(free_bytes, alarm_bytes, before >= Room::alarm)) {
        return Room::alarm;
    }
    if (below(free_bytes, scarce_bytes, before >= Room::scarce)) {
        return Room::scarce;
    }
    const bool few_bytes = below(free_bytes, low_bytes, before >= Room::low);
    const bool few_days = days && below(*days, low_days, before >= Room::low);
    return few_bytes || few_days ? Room::low : Room::ample;
}

std::string_view name_of(Room room) noexcept {
    for (const auto& [value, name] : names) {
        if (value == room) {
            return name;
        }
    }
    return "ample";
}

Room room_named(std::string_view name) noexcept {
    for (const auto& [value, text] : names) {
        if (text == name) {
            return value;
        }
    }
    return Room::ample;
}

std::string_view what_to_do(Room room) noexcept {
    switch (room) {
        case Room::ample:
            return "";
        case Room::low:
            return "plan for it: see what fills the card (du -xh / | sort -h), or change it for a "
                   "larger one; pours are never dropped";
        case Room::scarce:
            return "make room soon: du -xh / | sort -h; never delete a journal or its -wal";
        case Room::alarm:
            return "make room now, or the tap can't write its pours: du -xh / | sort -h; never "
                   "delete a journal or its -wal";
    }
    return "";
}

}  // namespace tapline::sync
