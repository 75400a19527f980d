// Facts about the journals in the field: the tables that the tap's releases made, and their
// INSERTs.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace tapline::test {

struct Release {
    std::string_view name;
    std::string_view create;
    /// What this release writes for one pour; ?1 = client_tx_id, ?2 = volume_ml. gen3: ?1 = data.
    std::string_view insert;
    bool wal = true;
};

inline constexpr std::array<Release, 8> releases{{
    {"gen1",
     "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT NOT NULL, tap_id INTEGER "
     "NOT NULL, "
     "start_ts TEXT NOT NULL, end_ts TEXT NOT NULL, volume_ml INTEGER NOT NULL, price_cents "
     "INTEGER NOT NULL, "
     "status TEXT NOT NULL DEFAULT 'new')",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status, attempts) "
     "VALUES (?1, '8C5EFC0C', 1, '2025-10-10T18:03:11.123456+00:00', '2025-10-10T18:03:14+00:00', "
     "?2, 375, 'new', 0)",
     false},
    {"gen2",
     "CREATE TABLE pours (pour_id INTEGER PRIMARY KEY AUTOINCREMENT, client_tx_id TEXT UNIQUE NOT "
     "NULL, "
     "card_uid TEXT NOT NULL, tap_id INTEGER NOT NULL, start_ts TEXT NOT NULL, end_ts TEXT NOT "
     "NULL, "
     "volume_ml INTEGER NOT NULL, price_cents INTEGER NOT NULL, "
     "status TEXT NOT NULL DEFAULT 'new' CHECK(status IN ('new','sent','confirmed','failed')), "
     "attempts INTEGER NOT NULL DEFAULT 0); "
     "CREATE TABLE events (event_id INTEGER PRIMARY KEY AUTOINCREMENT, ts TEXT NOT NULL, type TEXT "
     "NOT NULL, payload TEXT)",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status, attempts) "
     "VALUES (?1, '8C5EFC0C', 1, '2025-10-10T18:03:11.123456+00:00', '2025-10-10T18:03:14+00:00', "
     "?2, 375, 'new', 0)"},
    {"gen3",
     "CREATE TABLE pours (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT NOT NULL, status TEXT "
     "NOT NULL DEFAULT 'new', "
     "client_tx_id TEXT)",
     "INSERT INTO pours (data) VALUES (?1)"},
    {"gen4",
     "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT, tap_id INTEGER, start_ts "
     "TEXT, end_ts TEXT, "
     "volume_ml INTEGER, price_cents INTEGER, status TEXT DEFAULT 'new')",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status) "
     "VALUES (?1, '8C 5E FC 0C', 1, '2026-02-12T18:03:11.123456+00:00', "
     "'2026-02-12T18:03:14+00:00', ?2, 375, 'new')"},
    {"gen5",
     "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT, tap_id INTEGER, start_ts "
     "TEXT, end_ts TEXT, "
     "volume_ml INTEGER, price_cents INTEGER, status TEXT DEFAULT 'new', attempts INTEGER DEFAULT "
     "0, "
     "price_per_ml_at_pour REAL)",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status, attempts, "
     "price_per_ml_at_pour) VALUES (?1, '8c5efc0c', 1, '2026-02-15T18:03:11.123456+00:00', "
     "'2026-02-15T18:03:14+00:00', ?2, 375, 'new', 0, 1.5)"},
    {"gen6",
     "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, short_id TEXT, card_uid TEXT, tap_id "
     "INTEGER, start_ts TEXT, "
     "end_ts TEXT, volume_ml INTEGER, price_cents INTEGER, status TEXT DEFAULT 'new', attempts "
     "INTEGER DEFAULT 0, "
     "price_per_ml_at_pour REAL)",
     "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, volume_ml, "
     "price_cents, status, "
     "attempts, price_per_ml_at_pour) VALUES (?1, 'ABCDEF01', '8c5efc0c', 1, "
     "'2026-02-26T18:03:11.123456+00:00', "
     "'2026-02-26T18:03:14+00:00', ?2, 375, 'new', 0, 1.5)"},
    {"gen7",
     "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, short_id TEXT, card_uid TEXT, tap_id "
     "INTEGER, start_ts TEXT, "
     "end_ts TEXT, duration_ms INTEGER, volume_ml INTEGER, price_cents INTEGER, status TEXT "
     "DEFAULT 'new', "
     "attempts INTEGER DEFAULT 0, price_per_ml_at_pour REAL)",
     "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
     "price_cents, status, attempts, "
     "price_per_ml_at_pour) VALUES (?1, 'ABCDEF01', '8c5efc0c', 1, 2900, ?2, 375, 'new', 0, 45.0)"},
    {"gen8",
     "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, short_id TEXT, card_uid TEXT, tap_id "
     "INTEGER, start_ts TEXT, "
     "end_ts TEXT, duration_ms INTEGER, volume_ml INTEGER, tail_volume_ml INTEGER DEFAULT 0, "
     "price_cents INTEGER, "
     "status TEXT DEFAULT 'new', attempts INTEGER DEFAULT 0, price_per_ml_at_pour REAL)",
     "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
     "tail_volume_ml, price_cents, "
     "status, attempts, price_per_ml_at_pour) "
     "VALUES (?1, 'ABCDEF01', '8c5efc0c', 1, 2900, ?2, 7, 375, 'new', 0, 45.0)"},
}};

/// What later releases appended to a file that an earlier one made, in this order.
inline constexpr std::array<std::string_view, 3> appended{
    "ALTER TABLE pours ADD COLUMN short_id TEXT",
    "ALTER TABLE pours ADD COLUMN duration_ms INTEGER",
    "ALTER TABLE pours ADD COLUMN tail_volume_ml INTEGER DEFAULT 0"};

/// A file as it is found: made by one release, then opened by later ones.
struct FieldShape {
    std::string_view origin;
    std::size_t first_append;  ///< of `appended`
    std::size_t appends;
    std::string_view recognised;
};

inline constexpr std::array<FieldShape, 26> field_shapes{{
    {"gen1", 0, 0, "gen1"},
    {"gen2", 0, 0, "gen2"},
    {"gen3", 0, 0, "gen3"},
    {"gen4", 0, 0, "gen4"},
    {"gen5", 0, 0, "gen5"},
    {"gen6", 0, 0, "gen6"},
    {"gen7", 0, 0, "gen7"},
    {"gen8", 0, 0, "gen8"},
    {"gen1", 0, 1, "gen1+short_id"},
    {"gen1", 0, 2, "gen1+short_id,duration_ms"},
    {"gen1", 0, 3, "gen1+short_id,duration_ms,tail_volume_ml"},
    {"gen2", 0, 1, "gen2+short_id"},
    {"gen2", 0, 2, "gen2+short_id,duration_ms"},
    {"gen2", 0, 3, "gen2+short_id,duration_ms,tail_volume_ml"},
    {"gen3", 0, 1, "gen3+short_id"},
    {"gen3", 0, 2, "gen3+short_id,duration_ms"},
    {"gen3", 0, 3, "gen3+short_id,duration_ms,tail_volume_ml"},
    {"gen4", 0, 1, "gen4+short_id"},
    {"gen4", 0, 2, "gen4+short_id,duration_ms"},
    {"gen4", 0, 3, "gen4+short_id,duration_ms,tail_volume_ml"},
    {"gen5", 0, 1, "gen6"},
    {"gen5", 0, 2, "gen7"},
    {"gen5", 0, 3, "gen8"},
    {"gen6", 1, 1, "gen7"},
    {"gen6", 1, 2, "gen8"},
    {"gen7", 2, 1, "gen8"},
}};

[[nodiscard]] constexpr const Release& release(std::string_view name) {
    for (const auto& candidate : releases) {
        if (candidate.name == name) {
            return candidate;
        }
    }
    return releases.back();
}

}  // namespace tapline::test
