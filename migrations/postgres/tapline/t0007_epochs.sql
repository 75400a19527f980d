-- epochs: who shows a journal, what was granted to whom, and which backups are verified
-- Revision ID: t0007_epochs
-- Revises: t0006_compat
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade

ALTER TABLE tapline.journal
    ADD COLUMN contested_at timestamptz,
    ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN tapline.journal.contested_at IS
    'since then two devices show this journal at once; nothing of it is settled meanwhile';

COMMENT ON COLUMN tapline.journal.retired_at IS
    'its card is gone: no contract waits for it, unless it has said hello since';

ALTER TABLE tapline.cursor
    ADD COLUMN start_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN closed_at timestamptz;
COMMENT ON COLUMN tapline.cursor.start_seq IS
    'where this epoch begins: pours up to here were settled in an earlier one';
COMMENT ON COLUMN tapline.cursor.closed_at IS
    'an operator decided on a fork: nothing is settled in this epoch any more';

-- A device and boot that showed a journal. No foreign keys: one that may not show it stands here too.
CREATE TABLE tapline.journal_side (
    side_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id uuid NOT NULL,
    controller text NOT NULL,
    fingerprint text NOT NULL,
    boot_id text NOT NULL,
    epoch bigint NOT NULL,
    acked bigint NOT NULL,
    max_seq bigint NOT NULL,
    depth bigint NOT NULL,
    revision text NOT NULL DEFAULT '',
    oldest_unacked_revision text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_seen timestamptz NOT NULL DEFAULT statement_timestamp(),
    verdict text CHECK (verdict IN ('chosen', 'refused')),
    verdict_by text,
    verdict_reason text,
    verdict_at timestamptz,
    UNIQUE (journal_id, controller, fingerprint, boot_id)
);
COMMENT ON COLUMN tapline.journal_side.revision IS 'of its copy; empty until its first hello';
COMMENT ON COLUMN tapline.journal_side.since IS 'begin of the time in which it was heard without a long pause';
COMMENT ON COLUMN tapline.journal_side.verdict IS 'what an operator decided when there were two';

CREATE TABLE tapline.epoch_grant (
    journal_id uuid NOT NULL,
    epoch bigint NOT NULL,
    from_epoch bigint NOT NULL,
    parent_epoch bigint NOT NULL,
    start_seq bigint NOT NULL,
    start_hash bytea NOT NULL CHECK (octet_length(start_hash) = 32),
    reason text NOT NULL,
    controller text NOT NULL,
    fingerprint text NOT NULL,
    boot_id text NOT NULL,
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_at timestamptz,
    PRIMARY KEY (journal_id, epoch),
    FOREIGN KEY (journal_id, epoch) REFERENCES tapline.cursor (journal_id, epoch)
);
COMMENT ON COLUMN tapline.epoch_grant.from_epoch IS 'the epoch of the one that asked';
COMMENT ON COLUMN tapline.epoch_grant.parent_epoch IS
    'the epoch that has settled the pours up to start_seq; 0: nothing in common';
COMMENT ON COLUMN tapline.epoch_grant.granted_by IS 'policy, or the operator who decided';
COMMENT ON COLUMN tapline.epoch_grant.taken_at IS
    'first hello in this epoch; until then the same device gets it again';

CREATE TABLE tapline.backup (
    backup_id text PRIMARY KEY,
    begun_by text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    note text NOT NULL DEFAULT '',
    verified_by text,
    verified_at timestamptz
);
CREATE TABLE tapline.backup_cursor (
    backup_id text NOT NULL REFERENCES tapline.backup (backup_id) ON DELETE CASCADE,
    journal_id uuid NOT NULL,
    epoch bigint NOT NULL,
    cursor bigint NOT NULL,
    PRIMARY KEY (backup_id, journal_id, epoch)
);
COMMENT ON TABLE tapline.backup_cursor IS
    'cursors when the backup was announced: a dump that begins later holds at least these pours';

-- tapline: downgrade

DO $guard$
BEGIN
    IF EXISTS (SELECT FROM tapline.cursor WHERE closed_at IS NOT NULL)
        OR EXISTS (SELECT FROM tapline.journal WHERE contested_at IS NOT NULL) THEN
        RAISE EXCEPTION 'forks were decided or are open: an older program would settle them again'
            USING ERRCODE = 'object_in_use', HINT = '`tapline-central controllers forks` lists them.';
    END IF;
END
$guard$;
DROP TABLE tapline.backup_cursor;
DROP TABLE tapline.backup;
DROP TABLE tapline.epoch_grant;
DROP TABLE tapline.journal_side;
ALTER TABLE tapline.cursor
    DROP COLUMN closed_at,
    DROP COLUMN start_seq;
ALTER TABLE tapline.journal
    DROP COLUMN retired_at,
    DROP COLUMN contested_at;
