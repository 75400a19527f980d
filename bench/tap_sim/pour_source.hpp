// Makes the rows that a tap's program would write, and the bad ones that reach a journal somehow.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/tap_sim/release.hpp"
#include "common/pour.hpp"

namespace tapline::tap_sim {

struct Bar {
    std::vector<std::string> cards{"8c5efc0c"};  ///< hex digits, any spelling
    std::int64_t tap_id = 1;
    std::int64_t price_cents_per_ml = 45;  ///< what the server authorises (gen7 on)
    std::int64_t days_ago = 0;             ///< start_ts and end_ts lie this far back
};

struct Pour {
    std::string kind = "good";  ///< or the kind of a planted bad row
    std::map<std::string, Value, std::less<>> columns;
};

class PourSource {
  public:
    /// The same seed gives the same ids, cards and volumes; times are of now.
    PourSource(const Release& release, Bar bar, std::uint64_t seed);

    [[nodiscard]] Pour good();
    /// kind: one of bad_kinds().
    [[nodiscard]] Pour bad(std::string_view kind);

    [[nodiscard]] static std::span<const std::string_view> bad_kinds() noexcept;

  private:
    [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high);
    [[nodiscard]] std::string uuid4();
    [[nodiscard]] std::string spell_card(const std::string& hex);
    void price(Pour& pour, std::int64_t volume_ml) const;

    const Release& release_;
    Bar bar_;
    std::mt19937_64 random_;
};

/// The columns that `pour` is stored with: the release's own, and for a planted row those it needs
/// besides. gen3 stores one JSON text.
[[nodiscard]] std::vector<Column> columns_for(const Release& release, const Pour& pour);

}  // namespace tapline::tap_sim
