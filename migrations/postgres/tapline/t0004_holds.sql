-- holds: they end by themselves, release in waves, and may freeze a role
-- Revision ID: t0004_holds
-- Revises: t0003_balances
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade

ALTER TABLE tapline.hold
    ADD COLUMN ends_at timestamptz,
    ADD COLUMN spread_s integer NOT NULL DEFAULT 0,
    ADD COLUMN drained_at timestamptz,
    ADD COLUMN closed_by text,
    ADD COLUMN frozen_role text,
    ADD COLUMN frozen_before text,
    ADD COLUMN thawed_at timestamptz;
COMMENT ON COLUMN tapline.hold.ends_at IS 'it counts until then, or until closed_at';
COMMENT ON COLUMN tapline.hold.spread_s IS 'after its end the journals come back over so many seconds';
COMMENT ON COLUMN tapline.hold.drained_at IS 'no settling transaction was under way any more';
COMMENT ON COLUMN tapline.hold.frozen_role IS 'made read-only in this database for the hold, until thawed_at';
COMMENT ON COLUMN tapline.hold.frozen_before IS
    'its own default_transaction_read_only here before; NULL: it had none';

-- VOLATILE, so that it sees what was committed after the calling statement began: settling asks
-- for the hold's lock first and then this, in one statement.
CREATE FUNCTION tapline.hold_reason() RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    RETURN (SELECT h.reason FROM tapline.hold h WHERE h.closed_at IS NULL
            AND (h.ends_at IS NULL OR h.ends_at > clock_timestamp()) ORDER BY h.hold_id LIMIT 1);
END
$body$;

-- Seconds until this journal's turn after the newest hold; 0: now. Phased by the journal's id, so
-- that every instance says the same.
CREATE FUNCTION tapline.release_wait_s(journal uuid) RETURNS integer
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT coalesce((
        SELECT greatest(0, ceil(
            (hashtextextended(journal::text, 0) & 1048575)::double precision / 1048576 * n.spread_s
            - extract(epoch FROM clock_timestamp() - n.ended_at)))::integer
        FROM (SELECT h.spread_s, least(h.closed_at, h.ends_at) AS ended_at FROM tapline.hold h
              ORDER BY h.hold_id DESC LIMIT 1) n
        WHERE n.ended_at <= clock_timestamp()
        AND n.ended_at > clock_timestamp() - make_interval(secs => n.spread_s)), 0)
$body$;

-- tapline: downgrade

DO $guard$
BEGIN
    IF EXISTS (SELECT FROM tapline.hold WHERE frozen_role IS NOT NULL AND thawed_at IS NULL) THEN
        RAISE EXCEPTION 'a role is frozen for a hold: `tapline-central hold close` gives it back first';
    END IF;
END
$guard$;
DROP FUNCTION tapline.release_wait_s(uuid);
DROP FUNCTION tapline.hold_reason();
ALTER TABLE tapline.hold
    DROP COLUMN ends_at,
    DROP COLUMN spread_s,
    DROP COLUMN drained_at,
    DROP COLUMN closed_by,
    DROP COLUMN frozen_role,
    DROP COLUMN frozen_before,
    DROP COLUMN thawed_at;
