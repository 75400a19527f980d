// The bar that is measured: 500 guests with a card each, 50 taps with a keg each. Ids follow from
// numbers, so that journals and the bare program agree on them without asking a database.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace tapline::bench {

inline constexpr int guests = 500;
inline constexpr int taps = 50;
inline constexpr std::int64_t price_cents_per_liter = 45'000;

/// 0 <= number < guests.
[[nodiscard]] std::string guest_id(int number);
[[nodiscard]] std::string card_uid(int number);
/// 1 <= tap <= taps.
[[nodiscard]] std::string keg_id(int tap);

/// Into a database at the baseline; volumes and balances are out of reach of any run here.
void seed_bar(const std::string& database_url);

struct BenchPour {
    std::string client_tx_id;
    int guest = 0;
    int tap = 1;
    std::int64_t volume_ml = 0;
    std::int64_t amount_cents = 0;
};

[[nodiscard]] std::string uuid4(std::mt19937_64& random);

/// The pours of one journal, always the same ones for a seed.
class PourSource {
  public:
    PourSource(std::uint64_t seed, int tap) : random_(seed), tap_(tap) {}

    [[nodiscard]] BenchPour next();

  private:
    std::mt19937_64 random_;
    int tap_;
};

}  // namespace tapline::bench
