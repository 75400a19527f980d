-- compat: which wire and which journals central can serve, and what contracts have fixed
-- Revision ID: t0006_compat
-- Revises: t0005_trust
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade

-- A revision that teaches central another wire or another journal changes these two tables.
CREATE TABLE tapline.wire_window (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    min_version integer NOT NULL CHECK (min_version >= 1),
    max_version integer NOT NULL,
    agent_version text NOT NULL,
    CHECK (max_version >= min_version)
);
COMMENT ON TABLE tapline.wire_window IS 'versions of the wire that central speaks; one row';
COMMENT ON COLUMN tapline.wire_window.agent_version IS 'the first tapline-agent that speaks min_version';
INSERT INTO tapline.wire_window (min_version, max_version, agent_version) VALUES (1, 1, '0.1.0');

CREATE TABLE tapline.journal_revision (
    revision text PRIMARY KEY,
    place integer NOT NULL UNIQUE CHECK (place >= 1),
    since text NOT NULL,
    agent_version text NOT NULL
);
COMMENT ON TABLE tapline.journal_revision IS 'revisions of the journal whose pours central can settle';
COMMENT ON COLUMN tapline.journal_revision.place IS 'in the journal''s lineage; a later revision has a higher one';
COMMENT ON COLUMN tapline.journal_revision.since IS 'the revision of ours from which on it can';
COMMENT ON COLUMN tapline.journal_revision.agent_version IS 'the first tapline-agent that has it';
INSERT INTO tapline.journal_revision (revision, place, since, agent_version)
VALUES ('j0001', 1, 't0001_settling', '0.1.0');

CREATE TABLE tapline.journal_minimum (
    lineage text NOT NULL,
    contract text NOT NULL,
    revision text NOT NULL REFERENCES tapline.journal_revision (revision),
    fixed_by text NOT NULL,
    fixed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lineage, contract)
);
COMMENT ON TABLE tapline.journal_minimum IS
    'applied contracts with Requires Journal; pours of a revision before the highest are not settled';

ALTER TABLE tapline.journal ADD COLUMN shape_since timestamptz;
COMMENT ON COLUMN tapline.journal.shape_since IS
    'since when it reports this revision and this oldest un-acked one; NULL: since before t0006_compat';
COMMENT ON COLUMN tapline.controller_event.action IS
    'invited, enrolled, repeated, renewed, seen, refused, approved, revoked, retired, taps';

-- tapline: downgrade

DO $guard$
BEGIN
    IF EXISTS (SELECT FROM tapline.journal_minimum) THEN
        RAISE EXCEPTION 'contracts have fixed a minimum for journals: take those down first';
    END IF;
END
$guard$;
COMMENT ON COLUMN tapline.controller_event.action IS
    'invited, enrolled, repeated, renewed, seen, refused, approved, revoked, taps';
ALTER TABLE tapline.journal DROP COLUMN shape_since;
DROP TABLE tapline.journal_minimum;
DROP TABLE tapline.journal_revision;
DROP TABLE tapline.wire_window;
