-- The price that was in force, and how often a pour was offered
-- Revision ID: gen5
-- Revises: gen4
-- Create Date: 2026-02-14
-- Phase: expand

-- tapline: upgrade
-- What an earlier downgrade kept comes back (tapline_left_gen5), so that down and up loses nothing.
ALTER TABLE pours ADD COLUMN attempts INTEGER DEFAULT 0;
ALTER TABLE pours ADD COLUMN price_per_ml_at_pour REAL;
CREATE TABLE IF NOT EXISTS tapline_left_gen5 (
    seq INTEGER PRIMARY KEY, client_tx_id TEXT, attempts INTEGER, price_per_ml_at_pour REAL
);
UPDATE pours SET (attempts, price_per_ml_at_pour) = (
    SELECT l.attempts, l.price_per_ml_at_pour FROM tapline_left_gen5 AS l WHERE l.seq = pours.rowid
)
WHERE EXISTS (
    SELECT 1 FROM tapline_left_gen5 AS l
    WHERE l.seq = pours.rowid AND l.client_tx_id IS pours.client_tx_id
);
DROP TABLE tapline_left_gen5;

-- tapline: downgrade
CREATE TABLE tapline_left_gen5 (
    seq INTEGER PRIMARY KEY, client_tx_id TEXT, attempts INTEGER, price_per_ml_at_pour REAL
);
INSERT INTO tapline_left_gen5 (seq, client_tx_id, attempts, price_per_ml_at_pour)
SELECT rowid, client_tx_id, attempts, price_per_ml_at_pour FROM pours
WHERE attempts IS NOT 0 OR price_per_ml_at_pour IS NOT NULL;
ALTER TABLE pours DROP COLUMN price_per_ml_at_pour;
ALTER TABLE pours DROP COLUMN attempts;
