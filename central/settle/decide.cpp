#include "central/settle/decide.hpp"

#include <chrono>

#include <fmt/format.h>

#include "common/test_pour.hpp"

namespace tapline::settle {

namespace {

constexpr std::int64_t us_of(std::chrono::sys_days day) {
    return std::chrono::duration_cast<std::chrono::microseconds>(day.time_since_epoch()).count();
}

// From this day on controllers computed price_cents from the authorised price.
constexpr std::int64_t priced_since_us = us_of(std::chrono::year(2026) / 2 / 28);
// Until this day volume_ml was the largest half-second tick of the session.
constexpr std::int64_t summed_since_us = us_of(std::chrono::year(2026) / 3 / 1);
constexpr std::int64_t plausible_since_us = us_of(std::chrono::year(2020) / 1 / 1);

std::optional<std::int64_t> known_time(const PourTime& time) noexcept {
    const auto known = time.corrected_us ? time.corrected_us : time.recorded_us;
    return known && *known >= plausible_since_us ? known : std::nullopt;
}

Flags flags_of(
    const CleanPour& pour, const PourTime& time, const Facts& facts, const Charge& charge
) {
    Flags flags = 0;
    const auto set = [&flags](bool condition, Flags bit) { flags |= condition ? bit : 0; };
    set(facts.card_status != "active", flag_inactive_card);
    set(!facts.holder->active, flag_inactive_guest);
    set(*facts.tap_status != "active", flag_tap_locked);
    set(!time.assignment_us(), flag_assignment_uncertain);
    set(facts.card_respelled, flag_card_respelled);
    set(pour.legacy_status.has_value(), flag_legacy);
    const auto when_us = known_time(time);
    set(when_us && *when_us < summed_since_us, flag_volume_unreliable);
    // No time at all but a duration: gen7 or later, so the authorised price was known.
    const bool priced = when_us ? *when_us >= priced_since_us : pour.duration_ms.has_value();
    set(priced && pour.price_cents && *pour.price_cents != charge.amount_cents, flag_price_differs);
    return flags;
}

std::optional<Rejection> missing_part(const CleanPour& pour, const Facts& facts) {
    if (!facts.card_uid) {
        return Rejection{"unknown_card", fmt::format("card {} isn't in cards", pour.card_uid)};
    }
    if (!facts.holder) {
        return Rejection{
            "card_without_guest", fmt::format("card {} belonged to no guest", *facts.card_uid)};
    }
    if (!facts.tap_status) {
        return Rejection{"unknown_tap", fmt::format("tap {} isn't in taps", pour.tap_id)};
    }
    if (!facts.keg) {
        return Rejection{"tap_without_keg", fmt::format("tap {} had no keg", pour.tap_id)};
    }
    return std::nullopt;
}

std::optional<Rejection> out_of_bounds(
    const Charge& charge, const Facts& facts, std::int64_t charged_cents, std::int64_t drawn_ml
) {
    if (charge.amount_cents < 0 || charge.amount_cents > max_amount_cents) {
        return Rejection{
            "amount_out_of_bounds",
            fmt::format(
                "{} ml at {} per litre make {}",
                charge.volume_ml,
                money_text(charge.price_cents_per_liter),
                money_text(charge.amount_cents)
            )};
    }
    const std::int64_t balance = facts.holder->balance_cents - charged_cents - charge.amount_cents;
    if (balance < -max_amount_cents || balance > max_amount_cents) {
        return Rejection{
            "balance_out_of_bounds",
            fmt::format("guest {} would be at {}", charge.guest_id, money_text(balance))};
    }
    const std::int64_t left_ml = facts.keg->volume_ml - drawn_ml - charge.volume_ml;
    if (left_ml < INT32_MIN || left_ml > INT32_MAX) {
        return Rejection{
            "keg_out_of_bounds", fmt::format("keg {} would be at {} ml", charge.keg_id, left_ml)};
    }
    return std::nullopt;
}

std::optional<Rejection> legacy_verdict(const CleanPour& pour) {
    if (!pour.legacy_status || *pour.legacy_status == "new") {
        return std::nullopt;
    }
    if (*pour.legacy_status == "confirmed") {
        return Rejection{
            "legacy_confirmed_missing",
            "the journal says that central had this pour before adoption, but pours has no such "
            "id"};
    }
    return Rejection{
        "legacy_unpaid",
        fmt::format(
            "status before adoption was '{:.40}', nobody was charged", *pour.legacy_status
        )};
}

}  // namespace

std::int64_t amount_cents(std::int64_t volume_ml, std::int64_t price_cents_per_liter) {
    return (volume_ml * price_cents_per_liter + 500) / 1'000;
}

std::string normalised_card(std::string_view card_uid) {
    std::string normal;
    normal.reserve(card_uid.size());
    for (const char c : card_uid) {
        if (c >= 'A' && c <= 'Z') {
            normal.push_back(static_cast<char>(c - 'A' + 'a'));
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            normal.push_back(c);
        }
    }
    return normal;
}

std::string money_text(std::int64_t cents) {
    const auto magnitude =
        cents < 0 ? 0 - static_cast<std::uint64_t>(cents) : static_cast<std::uint64_t>(cents);
    return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", magnitude / 100, magnitude % 100);
}

std::string price_per_ml_text(std::int64_t price_cents_per_liter) {
    const std::int64_t ten_thousandths = (price_cents_per_liter + 5) / 10;
    return fmt::format("{}.{:04}", ten_thousandths / 10'000, ten_thousandths % 10'000);
}

Decision compare_existing(const CleanPour& pour, const ExistingPour& existing) {
    const bool same = normalised_card(pour.card_uid) == normalised_card(existing.card_uid) &&
                      pour.tap_id == existing.tap_id && pour.volume_ml == existing.volume_ml;
    if (same) {
        return Duplicate{existing.pour_id};
    }
    return Rejection{
        "conflict",
        fmt::format(
            "pours has this id with card {}, tap {}, {} ml; this row says card {}, tap {}, {} ml",
            existing.card_uid,
            existing.tap_id,
            existing.volume_ml,
            pour.card_uid,
            pour.tap_id,
            pour.volume_ml
        )};
}

Decision decide(
    const CleanPour& pour,
    const PourTime& time,
    const Facts& facts,
    Running& running,
    const DecideOptions& options
) {
    if (facts.existing) {
        return compare_existing(pour, *facts.existing);
    }
    if (is_test_pour(pour) && !options.operator_decided) {
        return Rejection{std::string(test_pour_code), "a technician's test; no beer, no money"};
    }
    if (auto verdict = options.operator_decided ? std::nullopt : legacy_verdict(pour)) {
        return std::move(*verdict);
    }
    if (auto missing = missing_part(pour, facts)) {
        return std::move(*missing);
    }
    if (facts.foreign_tap && !options.operator_decided) {
        return Rejection{
            "tap_not_yours",
            fmt::format("tap {} isn't on the list of the controller that sent this", pour.tap_id)};
    }
    Charge charge;
    charge.guest_id = facts.holder->guest_id;
    charge.card_uid = *facts.card_uid;
    charge.keg_id = facts.keg->keg_id;
    charge.volume_ml = pour.volume_ml;
    charge.price_cents_per_liter = facts.keg->price_cents_per_liter;
    const bool by_journal = options.price_from_journal && pour.price_cents.has_value();
    charge.amount_cents =
        by_journal ? *pour.price_cents : amount_cents(pour.volume_ml, charge.price_cents_per_liter);
    auto& charged_cents = running.charged_cents[charge.guest_id];
    auto& drawn_ml = running.drawn_ml[charge.keg_id];
    if (auto beyond = out_of_bounds(charge, facts, charged_cents, drawn_ml)) {
        return std::move(*beyond);
    }
    charge.flags = flags_of(pour, time, facts, charge);
    const bool dry = drawn_ml > 0 && drawn_ml >= facts.keg->volume_ml;
    charge.flags |= facts.keg->status != "in_use" || dry ? flag_keg_not_in_use : 0;
    charge.flags |= by_journal ? flag_price_from_journal : 0;
    charge.flags |= options.operator_decided ? flag_resolved : 0;
    charged_cents += charge.amount_cents;
    drawn_ml += charge.volume_ml;
    if (charge.amount_cents > 0 && facts.holder->balance_cents < charged_cents) {
        charge.flags |= flag_overdrawn;
    }
    return charge;
}

}  // namespace tapline::settle
