// Facts: what the releases of the tap's own program send to `pours`. A file may be written by any
// of them, whatever made it.
#pragma once

#include <array>
#include <string_view>

namespace tapline::journal {

struct ReleaseStatement {
    std::string_view name;
    std::string_view sql;
};

inline constexpr std::array<ReleaseStatement, 15> release_statements{{
    {"gen1/gen2 INSERT",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, 'new', 0)"},
    {"gen3 INSERT", "INSERT INTO pours (data) VALUES (?)"},
    {"gen4 INSERT",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status) VALUES (?, ?, ?, ?, ?, ?, ?, 'new')"},
    {"gen5 INSERT",
     "INSERT INTO pours (client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, "
     "status, attempts, price_per_ml_at_pour) VALUES (?, ?, ?, ?, ?, ?, ?, 'new', 0, ?)"},
    {"gen6 INSERT",
     "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, volume_ml, "
     "price_cents, status, attempts, price_per_ml_at_pour) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'new', "
     "0, ?)"},
    {"gen7 INSERT",
     "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
     "price_cents, status, attempts, price_per_ml_at_pour) VALUES (?, ?, ?, ?, ?, ?, ?, 'new', 0, "
     "?)"},
    {"gen8 INSERT",
     "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
     "tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour) VALUES (?, ?, ?, ?, ?, "
     "?, ?, ?, 'new', 0, ?)"},
    {"gen3 SELECT of unsent pours", "SELECT rowid, data FROM pours WHERE status = 'new' LIMIT 20"},
    {"gen4 SELECT of unsent pours",
     "SELECT client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, status FROM "
     "pours WHERE status = 'new' LIMIT 20"},
    {"gen8 SELECT of unsent pours",
     "SELECT client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml, "
     "tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour FROM pours WHERE status "
     "= "
     "'new' LIMIT 20"},
    {"UPDATE to confirmed", "UPDATE pours SET status = 'confirmed' WHERE client_tx_id = ?"},
    {"UPDATE to failed", "UPDATE pours SET status = 'failed' WHERE client_tx_id = ?"},
    {"UPDATE to audit_only", "UPDATE pours SET status = 'audit_only' WHERE client_tx_id = ?"},
    {"UPDATE to rejected", "UPDATE pours SET status = 'rejected' WHERE client_tx_id = ?"},
    {"UPDATE of attempts", "UPDATE pours SET attempts = attempts + 1 WHERE client_tx_id = ?"},
}};

}  // namespace tapline::journal
