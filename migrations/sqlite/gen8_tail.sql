-- Beer that flows after the valve was told to close
-- Revision ID: gen8
-- Revises: gen7
-- Create Date: 2026-03-10
-- Phase: expand

-- tapline: upgrade
ALTER TABLE pours ADD COLUMN tail_volume_ml INTEGER DEFAULT 0;
CREATE TABLE IF NOT EXISTS tapline_left_gen8 (
    seq INTEGER PRIMARY KEY, client_tx_id TEXT, tail_volume_ml INTEGER
);
UPDATE pours SET tail_volume_ml = (
    SELECT l.tail_volume_ml FROM tapline_left_gen8 AS l WHERE l.seq = pours.rowid
)
WHERE EXISTS (
    SELECT 1 FROM tapline_left_gen8 AS l
    WHERE l.seq = pours.rowid AND l.client_tx_id IS pours.client_tx_id
);
DROP TABLE tapline_left_gen8;

-- tapline: downgrade
CREATE TABLE tapline_left_gen8 (seq INTEGER PRIMARY KEY, client_tx_id TEXT, tail_volume_ml INTEGER);
INSERT INTO tapline_left_gen8 (seq, client_tx_id, tail_volume_ml)
SELECT rowid, client_tx_id, tail_volume_ml FROM pours WHERE tail_volume_ml IS NOT 0;
ALTER TABLE pours DROP COLUMN tail_volume_ml;
