#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "central/settle/decide.hpp"
#include "central/settle/pour_ids.hpp"
#include "central/settle/prepare.hpp"

namespace tapline::settle {

namespace {

constexpr std::int64_t nov_20_us = 1'795'197'600'000'000;  // 2026-11-20T18:00:00Z
constexpr std::int64_t feb_28_us = 1'772'236'800'000'000;  // 2026-02-28T00:00:00Z
constexpr std::int64_t mar_01_us = 1'772'323'200'000'000;  // 2026-03-01T00:00:00Z

CleanPour clean() {
    CleanPour pour;
    pour.seq = 1;
    pour.client_tx_id = "a";
    pour.card_uid = "8c5efc0c";
    pour.tap_id = 1;
    pour.volume_ml = 1'000;
    return pour;
}

PourTime exact_at(std::int64_t time_us) {
    PourTime time;
    time.recorded_us = time_us;
    time.corrected_us = time_us;
    time.quality = TimeQuality::exact;
    time.poured_us = time_us;
    return time;
}

Facts facts() {
    Facts known;
    known.card_uid = "8c5efc0c";
    known.card_status = "active";
    known.holder = Holder{"guest", true, 10'000};
    known.tap_status = "active";
    known.keg = Keg{"keg", "in_use", 50'000, 450};
    return known;
}

Decision decide_once(const CleanPour& pour, const Facts& known, std::int64_t time_us = nov_20_us) {
    Running running;
    return decide(pour, exact_at(time_us), known, running, {});
}

Flags flags_at(const CleanPour& pour, std::int64_t time_us) {
    return std::get<Charge>(decide_once(pour, facts(), time_us)).flags;
}

}  // namespace

TEST_CASE("an amount is rounded half up to the cent") {
    CHECK(amount_cents(1, 499) == 0);
    CHECK(amount_cents(1, 500) == 1);
    CHECK(amount_cents(333, 450) == 150);
    CHECK(amount_cents(10'000, 9'999'999'999) == 99'999'999'990);
    CHECK(amount_cents(0, 450) == 0);
}

TEST_CASE("money and prices are written as numeric reads them") {
    CHECK(money_text(0) == "0.00");
    CHECK(money_text(5) == "0.05");
    CHECK(money_text(-5) == "-0.05");
    CHECK(money_text(-12'345) == "-123.45");
    CHECK(price_per_ml_text(45'000) == "0.4500");
    CHECK(price_per_ml_text(445) == "0.0045");
    CHECK(price_per_ml_text(444) == "0.0044");
    CHECK(price_per_ml_text(9'999'999'999) == "100000.0000");
}

TEST_CASE("three spellings of a card are one") {
    CHECK(normalised_card("8C 5E FC 0C") == "8c5efc0c");
    CHECK(normalised_card("8C5EFC0C") == "8c5efc0c");
    CHECK(normalised_card("8c:5e-fc.0c") == "8c5efc0c");
    CHECK(normalised_card("\xd0\x96").empty());
}

TEST_CASE("an ordinary pour has no flags") {
    CHECK(flags_at(clean(), nov_20_us) == 0);
}

TEST_CASE("volumes before 2026-03-01 are unreliable, by the day") {
    CHECK(flags_at(clean(), mar_01_us - 1) == flag_volume_unreliable);
    CHECK(flags_at(clean(), mar_01_us) == 0);
}

TEST_CASE("a differing price counts from 2026-02-28 on") {
    auto pour = clean();
    pour.price_cents = 1'500;
    CHECK(flags_at(pour, feb_28_us - 1) == flag_volume_unreliable);
    CHECK(flags_at(pour, feb_28_us) == (flag_volume_unreliable | flag_price_differs));
    pour.price_cents = 450;
    CHECK(flags_at(pour, mar_01_us) == 0);
}

TEST_CASE("the sums of one transaction count for overdraft and dryness") {
    Running running;
    auto known = facts();
    known.holder->balance_cents = 900;
    known.keg->volume_ml = 2'000;
    const auto time = exact_at(nov_20_us);
    std::vector<Flags> flags;
    for (int i = 0; i < 3; ++i) {
        flags.push_back(std::get<Charge>(decide(clean(), time, known, running, {})).flags);
    }
    CHECK(flags == std::vector<Flags>{0, 0, flag_overdrawn | flag_keg_not_in_use});
    CHECK(running.charged_cents.at("guest") == 1'350);
    CHECK(running.drawn_ml.at("keg") == 3'000);
}

TEST_CASE("a refused pour leaves the running sums alone") {
    Running running;
    auto known = facts();
    known.holder->balance_cents = -max_amount_cents;
    const auto decision = decide(clean(), exact_at(nov_20_us), known, running, {});
    CHECK(std::get<Rejection>(decision).code == "balance_out_of_bounds");
    CHECK(running.charged_cents["guest"] == 0);
    CHECK(running.drawn_ml["keg"] == 0);
}

TEST_CASE("a negative price never credits a guest") {
    auto known = facts();
    known.keg->price_cents_per_liter = -450;
    CHECK(std::get<Rejection>(decide_once(clean(), known)).code == "amount_out_of_bounds");
}

TEST_CASE("an id that pours has is never charged, whatever else is wrong") {
    Facts known;
    known.existing = ExistingPour{"pour", "8C 5E FC 0C", 1, 1'000};
    CHECK(std::get<Duplicate>(decide_once(clean(), known)).pour_id == "pour");
    for (int what = 0; what < 3; ++what) {
        auto other = *known.existing;
        if (what == 0) {
            other.card_uid = "ffffffff";
        } else if (what == 1) {
            other.tap_id = 2;
        } else {
            other.volume_ml = 999;
        }
        CHECK(std::get<Rejection>(compare_existing(clean(), other)).code == "conflict");
    }
}

TEST_CASE("of legacy rows only new is charged, the others by an operator's word") {
    auto pour = clean();
    pour.legacy_status = "confirmed";
    CHECK(std::get<Rejection>(decide_once(pour, facts())).code == "legacy_confirmed_missing");
    pour.legacy_status = "audit_only";
    CHECK(std::get<Rejection>(decide_once(pour, facts())).code == "legacy_unpaid");
    Running running;
    DecideOptions options;
    options.operator_decided = true;
    const auto decided = decide(pour, exact_at(nov_20_us), facts(), running, options);
    CHECK(std::get<Charge>(decided).flags == (flag_legacy | flag_resolved));
    pour.legacy_status = "new";
    CHECK(std::get<Charge>(decide_once(pour, facts())).flags == flag_legacy);
}

TEST_CASE("new pour ids are UUIDs of version 7, all different, in time order") {
    const auto ids = new_pour_ids(1'000, 1'795'197'600'000);
    const auto later = new_pour_ids(1, 1'795'197'600'001);
    for (const auto& id : ids) {
        REQUIRE(is_uuid(id));
        REQUIRE(id[14] == '7');
        REQUIRE((id[19] == '8' || id[19] == '9' || id[19] == 'a' || id[19] == 'b'));
        REQUIRE(id < later.front());
    }
    CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
}

}  // namespace tapline::settle
