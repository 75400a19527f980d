// One pour and what PostgreSQL knows about its card, tap and id -> charge, duplicate or quarantine.
// Pure: no clock, no database. Money is integer cents, volume integer millilitres.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "central/settle/flags.hpp"
#include "central/settle/pour_time.hpp"
#include "common/pour.hpp"

namespace tapline::settle {

inline constexpr std::int64_t max_amount_cents = 9'999'999'999;  // numeric(10,2)

/// A row of `pours` with the same client_tx_id.
struct ExistingPour {
    std::string pour_id;
    std::string card_uid;
    std::int64_t tap_id = 0;
    std::int64_t volume_ml = 0;
};

struct Holder {
    std::string guest_id;
    bool active = false;
    std::int64_t balance_cents = 0;
};

struct Keg {
    std::string keg_id;
    std::string status;
    std::int64_t volume_ml = 0;
    std::int64_t price_cents_per_liter = 0;
};

/// As of the pour's time where that is known (statements.hpp, find_facts).
struct Facts {
    std::optional<ExistingPour> existing;
    std::optional<std::string> card_uid;  ///< as `cards` spells it
    std::string card_status;
    bool card_respelled = false;
    std::optional<Holder> holder;
    std::optional<std::string> tap_status;
    std::optional<Keg> keg;
    bool foreign_tap = false;  ///< the controller has a list of taps, and this one isn't on it
};

struct Charge {
    std::string guest_id;
    std::string card_uid;
    std::string keg_id;
    std::int64_t volume_ml = 0;
    std::int64_t amount_cents = 0;
    std::int64_t price_cents_per_liter = 0;
    Flags flags = 0;
};

/// In `pours` already, with the same content: acked, charged to nobody.
struct Duplicate {
    std::string pour_id;
};

using Decision = std::variant<Charge, Duplicate, Rejection>;

/// What earlier pours of this transaction have charged and drawn.
struct Running {
    std::unordered_map<std::string, std::int64_t> charged_cents;  ///< by guest
    std::unordered_map<std::string, std::int64_t> drawn_ml;       ///< by keg
};

struct DecideOptions {
    bool price_from_journal = false;
    bool operator_decided = false;  ///< legacy rows may be charged, flag_resolved is set
};

/// Codes: unknown_card, card_without_guest, unknown_tap, tap_without_keg,
/// tap_not_yours, conflict,
/// legacy_confirmed_missing, legacy_unpaid, amount_out_of_bounds, balance_out_of_bounds,
/// keg_out_of_bounds, and test_pour, which nobody has to look at (common/test_pour.hpp). A Charge
/// has been added to `running`.
[[nodiscard]] Decision decide(
    const CleanPour& pour,
    const PourTime& time,
    const Facts& facts,
    Running& running,
    const DecideOptions& options
);

/// Duplicate or conflict, for an id that `pours` has. Cards are compared by normalised spelling.
[[nodiscard]] Decision compare_existing(const CleanPour& pour, const ExistingPour& existing);

/// Round half up(volume_ml * price per litre / 1000).
[[nodiscard]] std::int64_t amount_cents(std::int64_t volume_ml, std::int64_t price_cents_per_liter);

/// Letters and digits only, lower case: `8C 5E FC 0C` and `8c5efc0c` are one card.
[[nodiscard]] std::string normalised_card(std::string_view card_uid);

/// "-12.34", as numeric reads it.
[[nodiscard]] std::string money_text(std::int64_t cents);
/// Price per millilitre as numeric(10,4), rounded half up: 45000 cents per litre -> "0.4500".
[[nodiscard]] std::string price_per_ml_text(std::int64_t price_cents_per_liter);

}  // namespace tapline::settle
