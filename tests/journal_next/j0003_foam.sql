-- The one after it, which needs a central that doesn't exist either
-- Revision ID: j0003
-- Revises: j0002
-- Create Date: 2026-11-20
-- Phase: expand
-- Requires Central: t9000_later

-- tapline: upgrade
ALTER TABLE pours ADD COLUMN foam_ml INTEGER;

-- tapline: downgrade
ALTER TABLE pours DROP COLUMN foam_ml;
