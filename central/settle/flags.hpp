// What is remarkable about a settled pour: bits of tapline.receipt.flags.
#pragma once

#include <cstdint>

namespace tapline::settle {

using Flags = std::int32_t;

// Frozen: tapline.flag_names(integer) in the database knows the same bits.
inline constexpr Flags flag_inactive_card = 1;
inline constexpr Flags flag_inactive_guest = 2;
inline constexpr Flags flag_overdrawn = 4;        ///< the balance is below 0 afterwards
inline constexpr Flags flag_tap_locked = 8;       ///< the tap's status isn't "active"
inline constexpr Flags flag_keg_not_in_use = 16;  ///< its status isn't "in_use", or it was dry
inline constexpr Flags flag_assignment_uncertain = 32;  ///< today's holder and keg: time unknown
inline constexpr Flags flag_price_differs = 64;  ///< the journal's price_cents isn't the amount
inline constexpr Flags flag_volume_unreliable = 128;  ///< before 2026-03-01: largest tick, not sum
inline constexpr Flags flag_card_respelled = 256;     ///< found by its normalised spelling only
inline constexpr Flags flag_legacy = 512;             ///< was in the journal at adoption
inline constexpr Flags flag_resolved = 1024;          ///< an operator decided
inline constexpr Flags flag_price_from_journal = 2048;  ///< price_cents was charged

}  // namespace tapline::settle
