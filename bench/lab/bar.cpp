#include "bench/lab/bar.hpp"

#include <fmt/format.h>

#include "bench/lab/postgres.hpp"

namespace tapline::bench {

namespace {

constexpr const char* beverage_id = "00000000-0000-4000-b000-000000000001";

constexpr const char* insert_beverage =
    "INSERT INTO beverages (beverage_id, name, sell_price_per_liter)"
    " VALUES ($1::uuid, 'Lager', $2::numeric / 100)";
constexpr const char* insert_guest =
    "INSERT INTO guests (guest_id, last_name, first_name, phone_number, date_of_birth, id_document,"
    " balance, is_active) VALUES ($1::uuid, 'Guest', 'A', $2, '1990-01-01', $2, 50000000, true)";
constexpr const char* insert_card =
    "INSERT INTO cards (card_uid, guest_id, status) VALUES ($1, $2::uuid, 'active')";
constexpr const char* insert_keg =
    "INSERT INTO kegs (keg_id, beverage_id, initial_volume_ml, current_volume_ml, purchase_price,"
    " status, tapped_at) VALUES ($1::uuid, $2::uuid, 2000000000, 2000000000, 100, 'in_use', now())";
constexpr const char* insert_tap =
    "INSERT INTO taps (tap_id, keg_id, display_name, status)"
    " VALUES ($1::int, $2::uuid, 'Tap ' || $1, 'active')";

}  // namespace

std::string guest_id(int number) {
    return fmt::format("00000000-0000-4000-8000-{:012x}", number);
}

std::string card_uid(int number) {
    // An odd factor permutes the 32-bit numbers: all differ, none in order.
    return fmt::format("{:08x}", static_cast<std::uint32_t>(number + 1) * 2'654'435'761U);
}

std::string keg_id(int tap) {
    return fmt::format("00000000-0000-4000-a000-{:012x}", tap);
}

void seed_bar(const std::string& database_url) {
    PgConnection connection(database_url);
    connection.exec("BEGIN");
    connection.exec(insert_beverage, {beverage_id, std::to_string(price_cents_per_liter)});
    for (int number = 0; number < guests; ++number) {
        connection.exec(insert_guest, {guest_id(number), fmt::format("+7900{:07}", number)});
        connection.exec(insert_card, {card_uid(number), guest_id(number)});
    }
    for (int tap = 1; tap <= taps; ++tap) {
        connection.exec(insert_keg, {keg_id(tap), beverage_id});
        connection.exec(insert_tap, {std::to_string(tap), keg_id(tap)});
    }
    connection.exec("COMMIT");
    connection.exec("VACUUM ANALYZE");
}

std::string uuid4(std::mt19937_64& random) {
    const std::uint64_t high = (random() & 0xffff'ffff'ffff'0fffU) | 0x4000U;
    const std::uint64_t low = (random() & 0x3fff'ffff'ffff'ffffU) | 0x8000'0000'0000'0000U;
    return fmt::format(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32U,
        (high >> 16U) & 0xffffU,
        high & 0xffffU,
        low >> 48U,
        low & 0xffff'ffff'ffffU
    );
}

BenchPour PourSource::next() {
    BenchPour pour;
    pour.client_tx_id = uuid4(random_);
    pour.guest = static_cast<int>(random_() % guests);
    pour.tap = tap_;
    pour.volume_ml = 100 + static_cast<std::int64_t>(random_() % 401);
    pour.amount_cents = (pour.volume_ml * price_cents_per_liter + 500) / 1'000;
    return pour;
}

}  // namespace tapline::bench
