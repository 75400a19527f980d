-- trust: which devices there are, by which certificates, and who let them in
-- Revision ID: t0005_trust
-- Revises: t0004_holds
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade

ALTER TABLE tapline.controller
    ADD COLUMN status_reason text,
    ADD COLUMN status_by text,
    ADD COLUMN status_at timestamptz;
COMMENT ON COLUMN tapline.controller.status IS
    'loopback (said hello on this machine, no certificate), pending, enrolled, revoked, retired';

-- No foreign key to taps: the bar may number its taps anew, and a list that names a tap too many
-- keeps nobody from pouring.
CREATE TABLE tapline.controller_tap (
    controller text NOT NULL REFERENCES tapline.controller (name) ON UPDATE CASCADE,
    tap_id integer NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (controller, tap_id)
);
COMMENT ON TABLE tapline.controller_tap IS
    'taps that a controller may report for; one without rows may report for every tap';

CREATE TABLE tapline.certificate (
    fingerprint bytea PRIMARY KEY CHECK (octet_length(fingerprint) = 32),
    controller text NOT NULL REFERENCES tapline.controller (name) ON UPDATE CASCADE,
    serial text NOT NULL,
    key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    not_after timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('valid', 'pending', 'revoked')),
    origin text NOT NULL CHECK (origin IN ('enrolled', 'renewed', 'seen')),
    pem text,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    revoked_reason text
);
CREATE INDEX certificate_controller_idx ON tapline.certificate (controller);
COMMENT ON TABLE tapline.certificate IS 'devices are told apart by these; certificates hold no secret';
COMMENT ON COLUMN tapline.certificate.fingerprint IS 'SHA-256 of the DER form';
COMMENT ON COLUMN tapline.certificate.key_hash IS 'SHA-256 of the SubjectPublicKeyInfo; a renewal keeps it';
COMMENT ON COLUMN tapline.certificate.origin IS
    'seen: signed by our authority but not in this database, which came from a backup';

CREATE TABLE tapline.enrollment (
    code_id text PRIMARY KEY,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    controller text NOT NULL REFERENCES tapline.controller (name) ON UPDATE CASCADE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    used_at timestamptz,
    used_key bytea,
    fingerprint bytea REFERENCES tapline.certificate (fingerprint),
    cancelled_at timestamptz
);
CREATE INDEX enrollment_controller_idx ON tapline.enrollment (controller);
COMMENT ON TABLE tapline.enrollment IS 'codes that let a device in, once; the code itself is nowhere';
COMMENT ON COLUMN tapline.enrollment.code_hash IS 'SHA-256 of the whole code';
COMMENT ON COLUMN tapline.enrollment.attempts IS 'failed ones; at max_attempts the code is dead';

CREATE TABLE tapline.controller_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    controller text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    who text NOT NULL,
    detail text NOT NULL DEFAULT ''
);
CREATE INDEX controller_event_idx ON tapline.controller_event (controller, event_id);
COMMENT ON COLUMN tapline.controller_event.action IS
    'invited, enrolled, repeated, renewed, seen, refused, approved, revoked, taps';

-- tapline: downgrade

DROP TABLE tapline.controller_event;
DROP TABLE tapline.enrollment;
DROP TABLE tapline.certificate;
DROP TABLE tapline.controller_tap;
ALTER TABLE tapline.controller
    DROP COLUMN status_at,
    DROP COLUMN status_by,
    DROP COLUMN status_reason;
COMMENT ON COLUMN tapline.controller.status IS
    'loopback (said hello on this machine, no certificate), pending, active, revoked, retired';
