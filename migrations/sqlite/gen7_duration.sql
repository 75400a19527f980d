-- A duration by the monotonic clock instead of two times of day
-- Revision ID: gen7
-- Revises: gen6
-- Create Date: 2026-02-27
-- Phase: expand

-- tapline: upgrade
ALTER TABLE pours ADD COLUMN duration_ms INTEGER;
CREATE TABLE IF NOT EXISTS tapline_left_gen7 (
    seq INTEGER PRIMARY KEY, client_tx_id TEXT, duration_ms INTEGER
);
UPDATE pours SET duration_ms = (SELECT l.duration_ms FROM tapline_left_gen7 AS l WHERE l.seq = pours.rowid)
WHERE EXISTS (
    SELECT 1 FROM tapline_left_gen7 AS l
    WHERE l.seq = pours.rowid AND l.client_tx_id IS pours.client_tx_id
);
DROP TABLE tapline_left_gen7;

-- tapline: downgrade
CREATE TABLE tapline_left_gen7 (seq INTEGER PRIMARY KEY, client_tx_id TEXT, duration_ms INTEGER);
INSERT INTO tapline_left_gen7 (seq, client_tx_id, duration_ms)
SELECT rowid, client_tx_id, duration_ms FROM pours WHERE duration_ms IS NOT NULL;
ALTER TABLE pours DROP COLUMN duration_ms;
