-- What exists already in the cases of hazards.txt: the bar, and one of everything that hazards depend on.
CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE DOMAIN millilitre AS integer CHECK (VALUE >= 0);
CREATE DOMAIN plain_text AS text;

CREATE TABLE guests (
    guest_id uuid PRIMARY KEY,
    last_name varchar(50) NOT NULL,
    phone_number varchar(20) NOT NULL UNIQUE,
    nickname text,
    balance numeric(10,2) NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    mood mood,
    seen_at timestamptz,
    CONSTRAINT guests_nickname_given CHECK (nickname IS NOT NULL)
);
CREATE INDEX guests_last_name_idx ON guests (last_name);

CREATE TABLE taps (
    tap_id serial PRIMARY KEY,
    display_name varchar(50) NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'empty' CHECK (status <> ''),
    cleaned_by integer
);

CREATE TABLE pours (
    pour_id uuid PRIMARY KEY,
    client_tx_id varchar(100) NOT NULL,
    guest_id uuid NOT NULL CONSTRAINT pours_guest_id_fkey REFERENCES guests (guest_id),
    tap_id integer NOT NULL REFERENCES taps (tap_id),
    volume_ml integer NOT NULL,
    amount_charged numeric(10,2) NOT NULL,
    price_per_ml numeric(10,4),
    note text,
    code varchar(40),
    poured_at timestamp,
    tail_ml millilitre,
    CONSTRAINT pours_volume_sane CHECK (volume_ml < 100000)
);
CREATE UNIQUE INDEX pours_client_tx_id_idx ON pours (client_tx_id);
CREATE INDEX pours_guest_id_idx ON pours (guest_id);
CREATE INDEX pours_code_idx ON pours (code);
ALTER TABLE pours ADD CONSTRAINT pours_amount_sane CHECK (amount_charged >= 0) NOT VALID;

CREATE TABLE archive (
    id bigint PRIMARY KEY,
    pour_id uuid,
    body text
);
CREATE UNIQUE INDEX archive_pour_id_idx ON archive (pour_id);

CREATE TABLE tokens (token text, CHECK (token IS NOT NULL));
CREATE UNIQUE INDEX tokens_token_idx ON tokens (token);

CREATE TABLE readings (
    taken_on date NOT NULL,
    value integer
) PARTITION BY RANGE (taken_on);
CREATE TABLE readings_2025 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE readings_loose (taken_on date NOT NULL, value integer);
CREATE TABLE readings_checked (
    taken_on date NOT NULL,
    value integer,
    CHECK (taken_on >= '2027-01-01' AND taken_on < '2028-01-01')
);
CREATE TABLE events (happened_on date NOT NULL, kind text) PARTITION BY RANGE (happened_on);
CREATE TABLE events_rest PARTITION OF events DEFAULT;

CREATE VIEW active_guests AS SELECT guest_id, last_name FROM guests WHERE is_active;
CREATE MATERIALIZED VIEW pours_per_guest AS SELECT guest_id, count(*) AS pours FROM pours GROUP BY guest_id;
CREATE UNIQUE INDEX pours_per_guest_idx ON pours_per_guest (guest_id);

CREATE FUNCTION steady() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION shaky() RETURNS integer LANGUAGE sql AS 'SELECT (random() * 10)::integer';
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER pours_note BEFORE UPDATE ON pours FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TYPE money_pair AS (amount numeric, currency text);
CREATE SEQUENCE receipt_number;
CREATE ROLE reporting;
