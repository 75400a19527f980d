// How much room the card has left for pours, and what is done about it. A pour is never dropped to
// make room.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/journal/journal.hpp"

namespace tapline::sync {

/// Each rung includes the one before it.
enum class Room {
    ample,
    low,     ///< told: free space or days are few
    scarce,  ///< whatever may be pruned is, however young
    alarm,   ///< somebody has to act: soon the tap can't write
};

inline constexpr std::int64_t low_bytes = std::int64_t{256} << 20U;
inline constexpr std::int64_t scarce_bytes = std::int64_t{64} << 20U;
inline constexpr std::int64_t alarm_bytes = std::int64_t{16} << 20U;
/// A fortnight is what a bar needs to notice, order a card and send somebody.
inline constexpr std::int64_t low_days = 14;

/// What the pours of so many days need must be free, or left over in the file by pruned ones;
/// alarm_bytes aren't for them. nullopt: the rate isn't known yet, or nothing is poured.
[[nodiscard]] std::optional<std::int64_t> days_left(
    const journal::Counts& counts, std::optional<std::int64_t> pours_per_day
) noexcept;

/// Leaves a rung only with a quarter more than it takes to enter it: no alarm comes and goes with
/// every log file.
[[nodiscard]] Room room_of(
    std::int64_t free_bytes, std::optional<std::int64_t> days, Room before
) noexcept;

[[nodiscard]] std::string_view name_of(Room room) noexcept;
/// One sentence for the technician; empty when there is nothing to do.
[[nodiscard]] std::string_view what_to_do(Room room) noexcept;
[[nodiscard]] Room room_named(std::string_view name) noexcept;

}  // namespace tapline::sync
