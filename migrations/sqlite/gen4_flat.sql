-- First real hardware: nothing is required any more
-- Revision ID: gen4
-- Revises: gen1
-- Create Date: 2026-02-12
-- Phase: expand

-- tapline: upgrade
-- Rowids are carried over: they are the order in which the pours were committed.
ALTER TABLE pours RENAME TO tapline_old;
CREATE TABLE pours (
    client_tx_id TEXT PRIMARY KEY,
    card_uid TEXT,
    tap_id INTEGER,
    start_ts TEXT,
    end_ts TEXT,
    volume_ml INTEGER,
    price_cents INTEGER,
    status TEXT DEFAULT 'new'
);
INSERT INTO pours (rowid, client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, status)
SELECT rowid, client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, status
FROM tapline_old ORDER BY rowid;
DROP TABLE tapline_old;

-- tapline: downgrade
-- A row with a NULL in it can't go back; then the whole step is rolled back and says so.
ALTER TABLE pours RENAME TO tapline_old;
CREATE TABLE pours (
    client_tx_id TEXT PRIMARY KEY,
    card_uid TEXT NOT NULL,
    tap_id INTEGER NOT NULL,
    start_ts TEXT NOT NULL,
    end_ts TEXT NOT NULL,
    volume_ml INTEGER NOT NULL,
    price_cents INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'new'
);
INSERT INTO pours (rowid, client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, status)
SELECT rowid, client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents, status
FROM tapline_old ORDER BY rowid;
DROP TABLE tapline_old;
