-- The first prototype's table: every column but the key is required
-- Revision ID: gen1
-- Revises:
-- Create Date: 2025-10-10
-- Phase: expand
-- Irreversible: below gen1 there is no table that could keep the pours

-- tapline: upgrade
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
