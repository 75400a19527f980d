-- The short id that a guest can read out
-- Revision ID: gen6
-- Revises: gen5
-- Create Date: 2026-02-25
-- Phase: expand

-- tapline: upgrade
ALTER TABLE pours ADD COLUMN short_id TEXT;
CREATE TABLE IF NOT EXISTS tapline_left_gen6 (
    seq INTEGER PRIMARY KEY, client_tx_id TEXT, short_id TEXT
);
UPDATE pours SET short_id = (SELECT l.short_id FROM tapline_left_gen6 AS l WHERE l.seq = pours.rowid)
WHERE EXISTS (
    SELECT 1 FROM tapline_left_gen6 AS l
    WHERE l.seq = pours.rowid AND l.client_tx_id IS pours.client_tx_id
);
DROP TABLE tapline_left_gen6;

-- tapline: downgrade
CREATE TABLE tapline_left_gen6 (seq INTEGER PRIMARY KEY, client_tx_id TEXT, short_id TEXT);
INSERT INTO tapline_left_gen6 (seq, client_tx_id, short_id)
SELECT rowid, client_tx_id, short_id FROM pours WHERE short_id IS NOT NULL;
ALTER TABLE pours DROP COLUMN short_id;
