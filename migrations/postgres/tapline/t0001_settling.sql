-- settling: cursors, receipts, quarantine, and who held what when
-- Revision ID: t0001_settling
-- Revises:
-- Create Date: 2026-11-20
-- Phase: expand
-- Depends On: 0001_m1_baseline

-- tapline: upgrade

CREATE TABLE tapline.setting (
    key text PRIMARY KEY,
    value text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tapline.controller (
    name text PRIMARY KEY,
    status text NOT NULL,
    agent_version text,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN tapline.controller.status IS
    'loopback (said hello on this machine, no certificate), pending, active, revoked, retired';

-- What the agent last said of its journal stands here and not in cursor, whose rows settling
-- rewrites with every batch.
CREATE TABLE tapline.journal (
    journal_id uuid PRIMARY KEY,
    controller text NOT NULL REFERENCES tapline.controller (name) ON UPDATE CASCADE,
    fingerprint text,
    revision text,
    oldest_unacked_revision text,
    max_seq bigint,
    depth bigint,
    free_bytes bigint,
    last_release bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    reported_at timestamptz
);
CREATE INDEX journal_controller_idx ON tapline.journal (controller);

CREATE TABLE tapline.cursor (
    journal_id uuid NOT NULL REFERENCES tapline.journal (journal_id),
    epoch bigint NOT NULL,
    cursor bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    revision text,
    prunable_through bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (journal_id, epoch),
    CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 50);
COMMENT ON COLUMN tapline.cursor.cursor IS 'highest seq of this epoch that is settled or in quarantine';
COMMENT ON COLUMN tapline.cursor.hash IS 'the row chain at cursor';

-- No foreign key to pours: the bar may delete a pour of its own, and the charge stays provable
-- without it. guest_id, keg_id and volume_ml are what was charged and drawn then.
CREATE TABLE tapline.receipt (
    pour_id uuid PRIMARY KEY,
    journal_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    revision text NOT NULL,
    row_hash bytea NOT NULL,
    guest_id uuid NOT NULL,
    keg_id uuid NOT NULL,
    volume_ml integer NOT NULL,
    amount numeric(10,2) NOT NULL,
    price_per_liter numeric(10,2) NOT NULL,
    flags integer NOT NULL DEFAULT 0,
    time_quality text NOT NULL,
    recorded_at timestamptz,
    corrected_at timestamptz,
    UNIQUE (journal_id, epoch, seq)
);
COMMENT ON TABLE tapline.receipt IS 'one row per settled pour: where it came from, what was charged';
COMMENT ON COLUMN tapline.receipt.flags IS 'bits; tapline.flag_names(flags) names them';
COMMENT ON COLUMN tapline.receipt.recorded_at IS 'start of the pour by the device''s own clock, as it was';
COMMENT ON COLUMN tapline.receipt.corrected_at IS 'the same corrected; NULL when quality is unknown';
COMMENT ON COLUMN tapline.receipt.time_quality IS 'exact, corrected, bounded, unknown';

CREATE FUNCTION tapline.flag_names(flags integer) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_remove(ARRAY[
        CASE WHEN flags & 1 <> 0 THEN 'inactive_card' END,
        CASE WHEN flags & 2 <> 0 THEN 'inactive_guest' END,
        CASE WHEN flags & 4 <> 0 THEN 'overdrawn' END,
        CASE WHEN flags & 8 <> 0 THEN 'tap_locked' END,
        CASE WHEN flags & 16 <> 0 THEN 'keg_not_in_use' END,
        CASE WHEN flags & 32 <> 0 THEN 'assignment_uncertain' END,
        CASE WHEN flags & 64 <> 0 THEN 'price_differs' END,
        CASE WHEN flags & 128 <> 0 THEN 'volume_unreliable' END,
        CASE WHEN flags & 256 <> 0 THEN 'card_respelled' END,
        CASE WHEN flags & 512 <> 0 THEN 'legacy' END,
        CASE WHEN flags & 1024 <> 0 THEN 'resolved' END,
        CASE WHEN flags & 2048 <> 0 THEN 'price_from_journal' END
    ], NULL);

CREATE TABLE tapline.quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    row_hash bytea NOT NULL,
    revision text NOT NULL,
    raw bytea NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    client_tx_id text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dismissed')),
    time_quality text NOT NULL,
    recorded_at timestamptz,
    corrected_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (journal_id, row_hash)
);
CREATE INDEX quarantine_position_idx ON tapline.quarantine (journal_id, epoch, seq);
COMMENT ON TABLE tapline.quarantine IS 'pours that can''t be settled as they are, whole; settling one moves it out';
COMMENT ON COLUMN tapline.quarantine.raw IS 'JSON of the row as it stood in the batch (docs/wire.md)';
COMMENT ON COLUMN tapline.quarantine.client_tx_id IS 'NULL when it can''t be text in PostgreSQL';

CREATE TABLE tapline.quarantine_decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quarantine_id bigint NOT NULL,
    journal_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    row_hash bytea NOT NULL,
    raw bytea NOT NULL,
    code text NOT NULL,
    action text NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    outcome text NOT NULL,
    pour_id uuid,
    decided_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quarantine_decision_row_idx ON tapline.quarantine_decision (journal_id, row_hash);
COMMENT ON COLUMN tapline.quarantine_decision.outcome IS 'settled, duplicate, dismissed, or waiting';

CREATE TABLE tapline.release (
    journal_id uuid NOT NULL,
    id bigint NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    outcome text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (journal_id, id)
);
COMMENT ON TABLE tapline.release IS 'pours that left the quarantine, as their journal is to be told; id ascends per journal';

CREATE TABLE tapline.hold (
    hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason text NOT NULL,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX hold_open_idx ON tapline.hold (hold_id) WHERE closed_at IS NULL;

CREATE TABLE tapline.sample (
    revision text NOT NULL,
    slot integer NOT NULL,
    raw bytea NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (revision, slot)
);
COMMENT ON TABLE tapline.sample IS 'some of the last raw rows per revision of the journal, a ring of 200 slots';

CREATE TABLE tapline.tap_keg_history (
    tap_id integer NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    old_keg_id uuid,
    new_keg_id uuid,
    PRIMARY KEY (tap_id, changed_at, change_id)
);
COMMENT ON TABLE tapline.tap_keg_history IS
    'the keg at time t is old_keg_id of the earliest change after t, else the tap''s keg today';

CREATE TABLE tapline.card_guest_history (
    card_uid text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    old_guest_id uuid,
    new_guest_id uuid,
    PRIMARY KEY (card_uid, changed_at, change_id)
);
COMMENT ON TABLE tapline.card_guest_history IS
    'the holder at time t is old_guest_id of the earliest change after t, else the card''s guest today';

-- SECURITY DEFINER: the bar's roles have no rights in this schema and must not fail for that.
CREATE FUNCTION tapline.note_tap_keg() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    INSERT INTO tapline.tap_keg_history (tap_id, old_keg_id, new_keg_id)
    VALUES (OLD.tap_id, OLD.keg_id, NEW.keg_id);
    RETURN NULL;
END
$body$;

CREATE FUNCTION tapline.note_card_guest() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    INSERT INTO tapline.card_guest_history (card_uid, old_guest_id, new_guest_id)
    VALUES (OLD.card_uid, OLD.guest_id, NEW.guest_id);
    RETURN NULL;
END
$body$;

CREATE TRIGGER tapline_note_tap_keg AFTER UPDATE ON public.taps
    FOR EACH ROW WHEN (OLD.keg_id IS DISTINCT FROM NEW.keg_id)
    EXECUTE FUNCTION tapline.note_tap_keg();

CREATE TRIGGER tapline_note_card_guest AFTER UPDATE ON public.cards
    FOR EACH ROW WHEN (OLD.guest_id IS DISTINCT FROM NEW.guest_id)
    EXECUTE FUNCTION tapline.note_card_guest();

-- tapline: downgrade

-- Receipts prove every charge and quarantine holds pours that exist nowhere else.
DO $body$
BEGIN
    IF EXISTS (SELECT 1 FROM tapline.receipt) OR EXISTS (SELECT 1 FROM tapline.quarantine) THEN
        RAISE EXCEPTION 'receipts or quarantined pours are still in schema tapline'
            USING ERRCODE = 'object_in_use', HINT = 'Back up the database, then empty both tables by hand.';
    END IF;
END
$body$;
DROP TRIGGER tapline_note_card_guest ON public.cards;
DROP TRIGGER tapline_note_tap_keg ON public.taps;
DROP FUNCTION tapline.note_card_guest();
DROP FUNCTION tapline.note_tap_keg();
DROP TABLE tapline.card_guest_history;
DROP TABLE tapline.tap_keg_history;
DROP TABLE tapline.sample;
DROP TABLE tapline.hold;
DROP TABLE tapline.release;
DROP TABLE tapline.quarantine_decision;
DROP TABLE tapline.quarantine;
DROP FUNCTION tapline.flag_names(integer);
DROP TABLE tapline.receipt;
DROP TABLE tapline.cursor;
DROP TABLE tapline.journal;
DROP TABLE tapline.controller;
DROP TABLE tapline.setting;
