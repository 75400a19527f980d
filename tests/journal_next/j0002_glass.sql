-- A revision that doesn't exist yet: for tests of what happens when it does
-- Revision ID: j0002
-- Revises: j0001
-- Create Date: 2026-11-20
-- Phase: expand
-- Requires Central: t0006_compat

-- tapline: upgrade
ALTER TABLE pours ADD COLUMN glass_ml INTEGER;

-- tapline: downgrade
ALTER TABLE pours DROP COLUMN glass_ml;
