#include "bench/tap_sim/release.hpp"

#include <array>

namespace tapline::tap_sim {
namespace {

constexpr std::string_view create_gen1 =
    "CREATE TABLE IF NOT EXISTS pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT NOT NULL, "
    "tap_id INTEGER NOT NULL, start_ts TEXT NOT NULL, end_ts TEXT NOT NULL, volume_ml INTEGER NOT "
    "NULL, "
    "price_cents INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'new')";

constexpr std::string_view create_gen2 =
    "CREATE TABLE IF NOT EXISTS pours (pour_id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "client_tx_id TEXT UNIQUE NOT NULL, card_uid TEXT NOT NULL, tap_id INTEGER NOT NULL, "
    "start_ts TEXT NOT NULL, end_ts TEXT NOT NULL, volume_ml INTEGER NOT NULL, price_cents INTEGER "
    "NOT NULL, "
    "status TEXT NOT NULL DEFAULT 'new' CHECK(status IN ('new', 'sent', 'confirmed', 'failed')), "
    "attempts INTEGER NOT NULL DEFAULT 0); "
    "CREATE TABLE IF NOT EXISTS events (event_id INTEGER PRIMARY KEY AUTOINCREMENT, ts TEXT NOT "
    "NULL, "
    "type TEXT NOT NULL, payload TEXT)";

constexpr std::string_view create_gen3 =
    "CREATE TABLE IF NOT EXISTS pours (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT NOT NULL, "
    "status TEXT NOT NULL DEFAULT 'new', client_tx_id TEXT)";

constexpr std::string_view create_gen4 =
    "CREATE TABLE IF NOT EXISTS pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT, tap_id "
    "INTEGER, "
    "start_ts TEXT, end_ts TEXT, volume_ml INTEGER, price_cents INTEGER, status TEXT DEFAULT "
    "'new')";

constexpr std::string_view create_gen5 =
    "CREATE TABLE IF NOT EXISTS pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT, tap_id "
    "INTEGER, "
    "start_ts TEXT, end_ts TEXT, volume_ml INTEGER, price_cents INTEGER, status TEXT DEFAULT "
    "'new', "
    "attempts INTEGER DEFAULT 0, price_per_ml_at_pour REAL)";

constexpr std::string_view create_gen6 =
    "CREATE TABLE IF NOT EXISTS pours (client_tx_id TEXT PRIMARY KEY, short_id TEXT, card_uid "
    "TEXT, "
    "tap_id INTEGER, start_ts TEXT, end_ts TEXT, volume_ml INTEGER, price_cents INTEGER, "
    "status TEXT DEFAULT 'new', attempts INTEGER DEFAULT 0, price_per_ml_at_pour REAL)";

constexpr std::string_view create_gen7 =
    "CREATE TABLE IF NOT EXISTS pours (client_tx_id TEXT PRIMARY KEY, short_id TEXT, card_uid "
    "TEXT, "
    "tap_id INTEGER, start_ts TEXT, end_ts TEXT, duration_ms INTEGER, volume_ml INTEGER, "
    "price_cents INTEGER, "
    "status TEXT DEFAULT 'new', attempts INTEGER DEFAULT 0, price_per_ml_at_pour REAL)";

constexpr std::string_view create_gen8 =
    "CREATE TABLE IF NOT EXISTS pours (client_tx_id TEXT PRIMARY KEY, short_id TEXT, card_uid "
    "TEXT, "
    "tap_id INTEGER, start_ts TEXT, end_ts TEXT, duration_ms INTEGER, volume_ml INTEGER, "
    "tail_volume_ml INTEGER DEFAULT 0, price_cents INTEGER, status TEXT DEFAULT 'new', "
    "attempts INTEGER DEFAULT 0, price_per_ml_at_pour REAL)";

using Names = std::string_view;

// Each release appends what it misses; nobody ever adds attempts or price_per_ml_at_pour, which is
// what makes gen2, gen3 and gen4 files dead ends.
constexpr std::array added_gen6{AddedColumn{"short_id", "TEXT"}};
constexpr std::array added_gen7{
    AddedColumn{"short_id", "TEXT"}, AddedColumn{"duration_ms", "INTEGER"}};
constexpr std::array added_gen8{
    AddedColumn{"short_id", "TEXT"},
    AddedColumn{"duration_ms", "INTEGER"},
    AddedColumn{"tail_volume_ml", "INTEGER DEFAULT 0"},
};

constexpr std::array<Names, 9> inserted_gen1{
    "client_tx_id",
    "card_uid",
    "tap_id",
    "start_ts",
    "end_ts",
    "volume_ml",
    "price_cents",
    "status",
    "attempts",
};
constexpr std::array<Names, 1> inserted_gen3{"data"};
constexpr std::array<Names, 8> inserted_gen4{
    "client_tx_id",
    "card_uid",
    "tap_id",
    "start_ts",
    "end_ts",
    "volume_ml",
    "price_cents",
    "status",
};
constexpr std::array<Names, 10> inserted_gen5{
    "client_tx_id",
    "card_uid",
    "tap_id",
    "start_ts",
    "end_ts",
    "volume_ml",
    "price_cents",
    "status",
    "attempts",
    "price_per_ml_at_pour",
};
constexpr std::array<Names, 11> inserted_gen6{
    "client_tx_id",
    "short_id",
    "card_uid",
    "tap_id",
    "start_ts",
    "end_ts",
    "volume_ml",
    "price_cents",
    "status",
    "attempts",
    "price_per_ml_at_pour",
};
constexpr std::array<Names, 10> inserted_gen7{
    "client_tx_id",
    "short_id",
    "card_uid",
    "tap_id",
    "duration_ms",
    "volume_ml",
    "price_cents",
    "status",
    "attempts",
    "price_per_ml_at_pour",
};
constexpr std::array<Names, 11> inserted_gen8{
    "client_tx_id",
    "short_id",
    "card_uid",
    "tap_id",
    "duration_ms",
    "volume_ml",
    "tail_volume_ml",
    "price_cents",
    "status",
    "attempts",
    "price_per_ml_at_pour",
};

constexpr std::array releases{
    Release{
        .name = "gen1",
        .create = create_gen1,
        .wal = false,
        .added = {},
        .inserted = inserted_gen1,
        .spelling = CardSpelling::upper,
    },
    Release{
        .name = "gen2",
        .create = create_gen2,
        .added = {},
        .inserted = inserted_gen1,
        .spelling = CardSpelling::upper},
    Release{
        .name = "gen3",
        .create = create_gen3,
        .added = {},
        .inserted = inserted_gen3,
        .spelling = CardSpelling::upper_spaced,
    },
    Release{
        .name = "gen4",
        .create = create_gen4,
        .added = {},
        .inserted = inserted_gen4,
        .spelling = CardSpelling::mixed},
    Release{.name = "gen5", .create = create_gen5, .added = {}, .inserted = inserted_gen5},
    Release{.name = "gen6", .create = create_gen6, .added = added_gen6, .inserted = inserted_gen6},
    Release{
        .name = "gen7",
        .create = create_gen7,
        .added = added_gen7,
        .inserted = inserted_gen7,
        .pricing = Pricing::authorised_per_ml,
    },
    Release{
        .name = "gen8",
        .create = create_gen8,
        .added = added_gen8,
        .inserted = inserted_gen8,
        .pricing = Pricing::authorised_per_ml,
        .zero_rows = true,
    },
};

}  // namespace

const Release* find_release(std::string_view name) noexcept {
    for (const Release& release : releases) {
        if (release.name == name) {
            return &release;
        }
    }
    return nullptr;
}

std::span<const Release> all_releases() noexcept {
    return releases;
}

}  // namespace tapline::tap_sim
