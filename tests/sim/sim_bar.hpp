// The bar of the simulations: as many taps as agents, each with a keg of its own, and guests who
// never run out of money.
#pragma once

#include <cstdint>

#include "central/pg/session.hpp"

namespace tapline::test {

inline constexpr std::int64_t start_balance_cents = 100'000'000;
inline constexpr std::int64_t start_volume_ml = 1'000'000;
inline constexpr int price_cents_per_liter = 450;
inline constexpr int guests = 200;

/// Keg n (uuid(2, n)) hangs on tap n; guest g has the card "card<g>".
void furnish_fleet(pg::Session& session, int taps);

}  // namespace tapline::test
