// Every SQL text of settling. The drain benchmark runs the same texts from a bare libpq program, so
// they stand here and not in the .cpp files that use them.
//
// The bar's tables are found by search_path; ours are always tapline.*. Arrays are one element per
// row, of equal length.
#pragma once

#include <cstdint>

#include "central/pg/session.hpp"

namespace tapline::settle::sql {

/// Shared by every settling transaction, exclusive while a hold drains or lasts.
inline constexpr std::int64_t hold_lock_key = 0x7461'706c'0000'0001;

// Limits, durability and the hold in one round trip. tapline.settling: what this transaction does
// to balances has receipts (t0003, note_balance). The planner settings keep cached plans on index
// look-ups by key: a plan made while a table was small must not become a scan of a large one. $1
// lock_timeout with unit. -> got the shared locks of the hold and of contracts
// (central/compat/lock.hpp), reason of an open hold
inline constexpr pg::Statement begin{
    "settle_begin",
    "SELECT pg_try_advisory_xact_lock_shared(8386107590299353089)"
    " AND pg_try_advisory_xact_lock_shared(8386107590299353090),"
    " tapline.hold_reason(),"
    " set_config('synchronous_commit', 'on', true),"
    " set_config('tapline.settling', 'on', true),"
    " set_config('lock_timeout', $1::text, true),"
    " set_config('statement_timeout', '30s', true),"
    " set_config('idle_in_transaction_session_timeout', '30s', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true),"
    " set_config('enable_seqscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true),"
    " set_config('enable_material', 'off', true),"
    " set_config('jit', 'off', true)"};

// $1 journal_id, $2 epoch
inline constexpr pg::Statement lock_cursors{
    "settle_cursors",
    "SELECT c.journal_id, c.epoch, j.controller, c.cursor, c.hash, c.prunable_through,"
    " j.last_release, j.contested_at IS NOT NULL, c.closed_at IS NOT NULL,"
    " EXISTS (SELECT FROM tapline.cursor o"
    "  WHERE o.journal_id = c.journal_id AND o.epoch <> c.epoch)"
    " FROM unnest($1::uuid[], $2::bigint[]) AS i(journal_id, epoch)"
    " JOIN tapline.cursor c ON c.journal_id = i.journal_id AND c.epoch = i.epoch"
    " JOIN tapline.journal j ON j.journal_id = c.journal_id"
    " ORDER BY c.journal_id, c.epoch FOR UPDATE OF c"};

// $1 journal_id, $2 revision of its batch, $3 the version of the wire, $4 epoch: of several copies
// of a journal each has its own revision. After the locks of `begin`,
// so the minimum is the one that counts. -> only those that are not simply served: ord, retired,
// place of the journal's revision, place of the batch's, minimum's place, whether the wire is
// spoken, then words for people
inline constexpr pg::Statement find_shapes{
    "settle_shapes",
    "SELECT i.ord, c.status = 'retired', n.place, b.place, coalesce(m.place, 0),"
    " $3::int BETWEEN w.min_version AND w.max_version,"
    " coalesce(m.revision, ''), coalesce(m.agent_version, ''), coalesce(t.revision, ''),"
    " w.min_version, w.max_version, w.agent_version"
    " FROM unnest($1::uuid[], $2::text[], $4::bigint[])"
    "  WITH ORDINALITY AS i(journal_id, revision, epoch, ord)"
    " JOIN tapline.journal j ON j.journal_id = i.journal_id"
    " JOIN tapline.controller c ON c.name = j.controller"
    " CROSS JOIN tapline.wire_window w"
    " LEFT JOIN LATERAL (SELECT s.revision FROM tapline.journal_side s"
    "  WHERE s.journal_id = i.journal_id AND s.epoch = i.epoch AND s.revision <> ''"
    "  ORDER BY s.last_seen DESC LIMIT 1) d ON true"
    " LEFT JOIN tapline.journal_revision n ON n.revision = coalesce(d.revision, j.revision)"
    " LEFT JOIN tapline.journal_revision b ON b.revision = i.revision"
    " LEFT JOIN LATERAL (SELECT r.* FROM tapline.journal_minimum x"
    "  JOIN tapline.journal_revision r ON r.revision = x.revision"
    "  ORDER BY r.place DESC LIMIT 1) m ON true"
    " LEFT JOIN LATERAL (SELECT r.revision FROM tapline.journal_revision r"
    "  ORDER BY r.place DESC LIMIT 1) t ON true"
    " WHERE c.status = 'retired' OR b.place IS NULL OR b.place < m.place"
    " OR NOT $3::int BETWEEN w.min_version AND w.max_version"};

// $1 client_tx_id, $2 card_uid, $3 tap_id, $4 the pour's time or NULL for today's holder and keg
inline constexpr pg::Statement find_facts{
    "settle_facts",
    "SELECT i.ord,"
    " p.pour_id, p.card_uid, p.tap_id, p.volume_ml,"
    " c.card_uid, c.status, g.guest_id, g.is_active, (g.balance * 100)::bigint,"
    " t.status, k.keg_id, k.status, k.current_volume_ml,"
    " (b.sell_price_per_liter * 100)::bigint"
    " FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[])"
    " WITH ORDINALITY AS i(client_tx_id, card_uid, tap_id, at, ord)"
    " LEFT JOIN pours p ON p.client_tx_id = i.client_tx_id"
    " LEFT JOIN cards c ON c.card_uid = i.card_uid"
    " LEFT JOIN LATERAL ("
    "  SELECT h.change_id, h.old_guest_id FROM tapline.card_guest_history h"
    "  WHERE h.card_uid = c.card_uid AND h.changed_at > i.at"
    "  ORDER BY h.changed_at, h.change_id LIMIT 1) ch ON true"
    " LEFT JOIN guests g ON g.guest_id ="
    "  CASE WHEN ch.change_id IS NULL THEN c.guest_id ELSE ch.old_guest_id END"
    " LEFT JOIN taps t ON t.tap_id = i.tap_id"
    " LEFT JOIN LATERAL ("
    "  SELECT h.change_id, h.old_keg_id FROM tapline.tap_keg_history h"
    "  WHERE h.tap_id = t.tap_id AND h.changed_at > i.at"
    "  ORDER BY h.changed_at, h.change_id LIMIT 1) kh ON true"
    " LEFT JOIN kegs k ON k.keg_id ="
    "  CASE WHEN kh.change_id IS NULL THEN t.keg_id ELSE kh.old_keg_id END"
    " LEFT JOIN beverages b ON b.beverage_id = k.beverage_id"};

// $1 spellings, normalised -> the cards that read so; two of them are no answer. OFFSET 0: each
// card is normalised once, not once per spelling.
inline constexpr pg::Statement find_respelled{
    "settle_spelling",
    "SELECT n.spelling, min(n.card_uid) FROM ("
    " SELECT c.card_uid, lower(regexp_replace(c.card_uid, '[^0-9A-Za-z]', '', 'g')) AS spelling"
    " FROM cards c OFFSET 0) n"
    " WHERE n.spelling = ANY($1::text[]) GROUP BY n.spelling HAVING count(*) = 1"};

// $1 pour_id … $10 poured_at; sorted by client_tx_id, so that two instances meet in one order
inline constexpr pg::Statement insert_pours{
    "settle_pours",
    "INSERT INTO pours (pour_id, client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml,"
    " amount_charged, price_per_ml_at_pour, poured_at)"
    " SELECT i.pour_id, i.client_tx_id, i.guest_id, i.card_uid, i.tap_id, i.keg_id, i.volume_ml,"
    " i.amount, i.price_per_ml, i.poured_at"
    " FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[], $6::uuid[], $7::int[],"
    " $8::numeric[], $9::numeric[], $10::timestamptz[])"
    " AS i(pour_id, client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml, amount,"
    " price_per_ml, poured_at)"
    " ORDER BY i.client_tx_id COLLATE \"C\""
    " ON CONFLICT (client_tx_id) DO NOTHING RETURNING pour_id"};

// $1 client_tx_id -> what stands in pours under these ids
inline constexpr pg::Statement find_existing{
    "settle_existing",
    "SELECT p.client_tx_id, p.pour_id, p.card_uid, p.tap_id, p.volume_ml"
    " FROM unnest($1::text[]) AS i(client_tx_id)"
    " JOIN pours p ON p.client_tx_id = i.client_tx_id"};

// $1 pour_id -> the rows that these pours were settled from
inline constexpr pg::Statement find_receipt_rows{
    "settle_origins",
    "SELECT r.pour_id, r.journal_id, r.row_hash FROM unnest($1::uuid[]) AS i(pour_id)"
    " JOIN tapline.receipt r ON r.pour_id = i.pour_id"};

// $1 journal_id: two epochs of one journal are settled one after the other, so that each sees what
// became of a row in the other
inline constexpr pg::Statement lock_journals{
    "settle_lockjour",
    "SELECT pg_advisory_xact_lock(hashtextextended(j.id, 8386107590299353090)) FROM ("
    " SELECT DISTINCT i.id::text AS id FROM unnest($1::uuid[]) AS i(id) ORDER BY 1 OFFSET 0) j"};

// $1 journal_id, $2 seq, $3 row_hash -> ord, pour that this very row was settled as in whatever
// epoch, code and detail of the quarantine that it waits in, whether an operator has settled it
inline constexpr pg::Statement find_settled_before{
    "settle_before",
    "SELECT i.ord, r.pour_id, q.code, q.detail, d.journal_id IS NOT NULL"
    " FROM unnest($1::uuid[], $2::bigint[], $3::bytea[])"
    " WITH ORDINALITY AS i(journal_id, seq, row_hash, ord)"
    " LEFT JOIN LATERAL (SELECT t.pour_id FROM tapline.cursor c"
    "  JOIN tapline.receipt t ON t.journal_id = c.journal_id AND t.epoch = c.epoch"
    "  AND t.seq = i.seq AND t.row_hash = i.row_hash"
    "  WHERE c.journal_id = i.journal_id LIMIT 1) r ON true"
    " LEFT JOIN tapline.quarantine q"
    "  ON q.journal_id = i.journal_id AND q.row_hash = i.row_hash"
    " LEFT JOIN LATERAL (SELECT e.journal_id FROM tapline.quarantine_decision e"
    "  WHERE e.journal_id = i.journal_id AND e.row_hash = i.row_hash"
    "  AND e.outcome IN ('settled', 'duplicate') LIMIT 1) d ON true"
    " WHERE r.pour_id IS NOT NULL OR q.code IS NOT NULL OR d.journal_id IS NOT NULL"};

// $1 pour_id … $15 corrected_at
inline constexpr pg::Statement insert_receipts{
    "settle_receipts",
    "INSERT INTO tapline.receipt (pour_id, journal_id, epoch, seq, revision, row_hash, guest_id,"
    " keg_id, volume_ml, amount, price_per_liter, flags, time_quality, recorded_at, corrected_at)"
    " SELECT i.pour_id, i.journal_id, i.epoch, i.seq, i.revision, i.row_hash, i.guest_id, i.keg_id,"
    " i.volume_ml, i.amount, i.price, i.flags, i.time_quality, i.recorded_at, i.corrected_at"
    " FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[],"
    " $7::uuid[], $8::uuid[], $9::int[], $10::numeric[], $11::numeric[], $12::int[], $13::text[],"
    " $14::timestamptz[], $15::timestamptz[])"
    " AS i(pour_id, journal_id, epoch, seq, revision, row_hash, guest_id, keg_id, volume_ml, "
    "amount,"
    " price, flags, time_quality, recorded_at, corrected_at)"};

// $1 keg_id
inline constexpr pg::Statement lock_kegs{
    "settle_lockkegs",
    "SELECT k.keg_id, k.status, k.current_volume_ml FROM kegs k WHERE k.keg_id = ANY($1::uuid[])"
    " ORDER BY k.keg_id FOR NO KEY UPDATE"};

// $1 keg_id, $2 ml, $3 time of the last pour
inline constexpr pg::Statement draw_kegs{
    "settle_draw",
    "UPDATE kegs AS k SET current_volume_ml = k.current_volume_ml - i.ml,"
    " status = CASE WHEN k.current_volume_ml - i.ml <= 0 THEN 'empty' ELSE k.status END,"
    " finished_at = CASE WHEN k.current_volume_ml - i.ml <= 0"
    "  THEN COALESCE(k.finished_at, i.last_at) ELSE k.finished_at END"
    " FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS i(keg_id, ml, last_at)"
    " WHERE k.keg_id = i.keg_id"};

// $1 kegs that this transaction emptied; a tap that holds another keg by now is left alone
inline constexpr pg::Statement empty_taps{
    "settle_taps", "UPDATE taps SET status = 'empty' WHERE keg_id = ANY($1::uuid[])"};

// $1 guest_id
inline constexpr pg::Statement lock_guests{
    "settle_lockgues",
    "SELECT g.guest_id FROM guests g WHERE g.guest_id = ANY($1::uuid[])"
    " ORDER BY g.guest_id FOR NO KEY UPDATE"};

// $1 guest_id, $2 amount
inline constexpr pg::Statement charge_guests{
    "settle_charge",
    "UPDATE guests AS g SET balance = g.balance - i.amount, updated_at = now()"
    " FROM unnest($1::uuid[], $2::numeric[]) AS i(guest_id, amount)"
    " WHERE g.guest_id = i.guest_id"};

// $1 journal_id … $12 corrected_at. A row that an operator has settled since, from an older epoch,
// doesn't come back. A test pour is no work for anybody.
inline constexpr pg::Statement insert_quarantine{
    "settle_keep",
    "INSERT INTO tapline.quarantine (journal_id, epoch, seq, row_hash, revision, raw, code, detail,"
    " client_tx_id, state, time_quality, recorded_at, corrected_at)"
    " SELECT i.journal_id, i.epoch, i.seq, i.row_hash, i.revision, i.raw, i.code, i.detail,"
    " i.client_tx_id, CASE i.code WHEN 'test_pour' THEN 'dismissed' ELSE 'waiting' END,"
    " i.time_quality, i.recorded_at, i.corrected_at"
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::bytea[],"
    " $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])"
    " AS i(journal_id, epoch, seq, row_hash, revision, raw, code, detail, client_tx_id,"
    " time_quality, recorded_at, corrected_at)"
    " WHERE NOT EXISTS (SELECT 1 FROM tapline.quarantine_decision d"
    "  WHERE d.journal_id = i.journal_id AND d.row_hash = i.row_hash"
    "  AND d.outcome IN ('settled', 'duplicate'))"
    " ON CONFLICT (journal_id, row_hash) DO NOTHING"};

// $1 journal_id, $2 epoch, $3 cursor, $4 hash, $5 revision
inline constexpr pg::Statement move_cursors{
    "settle_move",
    "UPDATE tapline.cursor AS c SET cursor = i.cursor, hash = i.hash, revision = i.revision,"
    " updated_at = now()"
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[])"
    " AS i(journal_id, epoch, cursor, hash, revision)"
    " WHERE c.journal_id = i.journal_id AND c.epoch = i.epoch"};

// $1 journal_id, $2 epoch, $3 first seq, $4 last seq: for a batch that comes a second time
inline constexpr pg::Statement find_quarantined{
    "settle_kept",
    "SELECT q.seq, q.code, q.detail FROM tapline.quarantine q"
    " WHERE q.journal_id = $1::uuid AND q.epoch = $2::bigint"
    " AND q.seq BETWEEN $3::bigint AND $4::bigint AND q.state = 'waiting'"
    " ORDER BY q.seq LIMIT 500"};

// $1 journal_id, $2 epoch, $3 first seq, $4 last seq: the chain as it was settled or kept; rows
// that were duplicates of another journal's left none
inline constexpr pg::Statement find_hashes{
    "settle_hashes",
    "SELECT r.seq, r.row_hash FROM tapline.receipt r"
    " WHERE r.journal_id = $1::uuid AND r.epoch = $2::bigint"
    " AND r.seq BETWEEN $3::bigint AND $4::bigint"
    " UNION ALL SELECT q.seq, q.row_hash FROM tapline.quarantine q"
    " WHERE q.journal_id = $1::uuid AND q.epoch = $2::bigint"
    " AND q.seq BETWEEN $3::bigint AND $4::bigint"};

// $1 journal_id, $2 epoch, $3 the last release that the agent has written down
// $1 journal, $2 epoch, $3 the last release that the agent has. Pours that an earlier epoch settled
// count, for as far as this one goes on from it.
inline constexpr pg::Statement find_released{
    "settle_released",
    "WITH RECURSIVE line(epoch, through) AS ("
    " SELECT $2::bigint, 9223372036854775807::bigint UNION ALL"
    " SELECT g.parent_epoch, least(l.through, g.start_seq) FROM line l"
    " JOIN tapline.epoch_grant g ON g.journal_id = $1::uuid AND g.epoch = l.epoch"
    "  AND g.parent_epoch BETWEEN 1 AND l.epoch - 1)"
    " SELECT r.id, r.seq, r.outcome FROM tapline.release r"
    " JOIN line l ON l.epoch = r.epoch AND r.seq <= l.through"
    " WHERE r.journal_id = $1::uuid AND r.id > $3::bigint ORDER BY r.id LIMIT 500"};

// $1 revision, $2 slot, $3 raw
inline constexpr pg::Statement keep_sample{
    "settle_sample",
    "INSERT INTO tapline.sample (revision, slot, raw) VALUES ($1::text, $2::int, $3::bytea)"
    " ON CONFLICT (revision, slot) DO UPDATE SET raw = excluded.raw, taken_at = now()"};

}  // namespace tapline::settle::sql
