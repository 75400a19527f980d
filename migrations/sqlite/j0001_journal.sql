-- The journal: pours with a sequence, guarded, and the agent's own tables
-- Revision ID: j0001
-- Revises: gen8
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade
-- seq is the old rowid. Only if rowids can't serve (not positive, beyond 2^53, or re-used since an
-- earlier downgrade), pours are numbered anew in their order. A pour that was here before that
-- downgrade gets back its seq and whatever gen8 couldn't hold, so that its row hash stays the same.
CREATE TABLE IF NOT EXISTS tapline_journal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    journal_id TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 1,
    fingerprint TEXT NOT NULL DEFAULT '',
    adopted_through INTEGER NOT NULL DEFAULT 0,
    acked_through INTEGER NOT NULL DEFAULT 0,
    acked_hash BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000',
    prunable_through INTEGER NOT NULL DEFAULT 0,
    pruned_through INTEGER NOT NULL DEFAULT 0,
    released_through INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE TABLE IF NOT EXISTS tapline_hash (
    batch INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    hash BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS tapline_clock (
    boot_id TEXT PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    synchronized INTEGER NOT NULL DEFAULT 0,
    steps TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE IF NOT EXISTS tapline_left (
    seq INTEGER PRIMARY KEY,
    client_tx_id TEXT UNIQUE,
    data TEXT,
    recorded_at TEXT,
    legacy_status TEXT,
    status TEXT
);

ALTER TABLE pours RENAME TO tapline_old;
CREATE TABLE pours (
    seq INTEGER PRIMARY KEY,
    client_tx_id TEXT UNIQUE,
    short_id TEXT,
    card_uid TEXT,
    tap_id INTEGER,
    start_ts TEXT,
    end_ts TEXT,
    duration_ms INTEGER,
    volume_ml INTEGER,
    tail_volume_ml INTEGER DEFAULT 0,
    price_cents INTEGER,
    status TEXT DEFAULT 'new',
    attempts INTEGER DEFAULT 0,
    price_per_ml_at_pour REAL,
    data TEXT,
    recorded_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    legacy_status TEXT
);
INSERT INTO pours (
    seq, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml,
    tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour, data, recorded_at, legacy_status
)
SELECT
    l.seq, o.client_tx_id, o.short_id, o.card_uid, o.tap_id, o.start_ts, o.end_ts, o.duration_ms, o.volume_ml,
    o.tail_volume_ml, o.price_cents,
    CASE
        WHEN l.status = 'held' AND o.status = 'new' THEN 'held'
        WHEN l.status = 'quarantined' AND o.status = 'rejected' THEN 'quarantined'
        ELSE o.status
    END,
    o.attempts, o.price_per_ml_at_pour, l.data, l.recorded_at, l.legacy_status
FROM tapline_left AS l
JOIN tapline_old AS o
    ON o.client_tx_id = l.client_tx_id
    OR (l.client_tx_id IS NULL AND o.client_tx_id IS NULL AND o.rowid = l.seq);
CREATE TABLE tapline_numbering (top INTEGER NOT NULL, rowids_serve INTEGER);
INSERT INTO tapline_numbering (top, rowids_serve)
SELECT
    (SELECT COALESCE(max(l.seq), 0) FROM tapline_left AS l),
    (
        SELECT min(o.rowid) > (SELECT COALESCE(max(l.seq), 0) FROM tapline_left AS l)
            AND max(o.rowid) <= 9007199254740992
        FROM tapline_old AS o
        WHERE NOT EXISTS (SELECT 1 FROM tapline_left AS l WHERE l.client_tx_id = o.client_tx_id)
            AND NOT EXISTS (
                SELECT 1 FROM tapline_left AS l
                WHERE l.seq = o.rowid AND l.client_tx_id IS NULL AND o.client_tx_id IS NULL
            )
    );
INSERT INTO pours (
    seq, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml,
    tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour, data, recorded_at, legacy_status
)
SELECT
    o.rowid, o.client_tx_id, o.short_id, o.card_uid, o.tap_id, o.start_ts, o.end_ts, o.duration_ms, o.volume_ml,
    o.tail_volume_ml, o.price_cents, o.status, o.attempts, o.price_per_ml_at_pour, NULL, NULL,
    COALESCE(o.status, '')
FROM tapline_numbering AS n
CROSS JOIN tapline_old AS o
WHERE n.rowids_serve
    AND NOT EXISTS (SELECT 1 FROM tapline_left AS l WHERE l.client_tx_id = o.client_tx_id)
    AND NOT EXISTS (
        SELECT 1 FROM tapline_left AS l
        WHERE l.seq = o.rowid AND l.client_tx_id IS NULL AND o.client_tx_id IS NULL
    )
ORDER BY o.rowid;
INSERT INTO pours (
    seq, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml,
    tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour, data, recorded_at, legacy_status
)
SELECT
    n.top + row_number() OVER (ORDER BY o.rowid),
    o.client_tx_id, o.short_id, o.card_uid, o.tap_id, o.start_ts, o.end_ts, o.duration_ms, o.volume_ml,
    o.tail_volume_ml, o.price_cents, o.status, o.attempts, o.price_per_ml_at_pour, NULL, NULL,
    COALESCE(o.status, '')
FROM tapline_numbering AS n
CROSS JOIN tapline_old AS o
WHERE NOT n.rowids_serve
    AND NOT EXISTS (SELECT 1 FROM tapline_left AS l WHERE l.client_tx_id = o.client_tx_id)
    AND NOT EXISTS (
        SELECT 1 FROM tapline_left AS l
        WHERE l.seq = o.rowid AND l.client_tx_id IS NULL AND o.client_tx_id IS NULL
    )
ORDER BY o.rowid;
DROP TABLE tapline_numbering;
DROP TABLE tapline_old;
DROP TABLE tapline_left;

-- INSERT OR REPLACE fires no DELETE trigger, so what it would replace is looked for first. A seq of
-- one's own could land on a number that central has already settled and would never be sent;
-- without one, NEW.seq is -1 here.
CREATE TRIGGER tapline_pour_is_new BEFORE INSERT ON pours
WHEN NEW.seq <> -1 OR EXISTS (SELECT 1 FROM pours AS p WHERE p.client_tx_id = NEW.client_tx_id)
BEGIN
    SELECT CASE
        WHEN NEW.seq <> -1 THEN RAISE(ABORT, 'tapline: seq of a pour is given by the journal; leave it out')
        ELSE RAISE(ABORT, 'tapline: UNIQUE constraint failed: pours.client_tx_id; a pour is never replaced')
    END;
END;
CREATE TRIGGER tapline_pour_is_fixed
BEFORE UPDATE OF
    seq, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml,
    tail_volume_ml, price_cents, price_per_ml_at_pour, data, recorded_at, legacy_status
ON pours
BEGIN
    SELECT RAISE(ABORT, 'tapline: a pour is never changed; only its status and attempts are the writer''s');
END;
-- SET rowid = … names no column of the list above.
CREATE TRIGGER tapline_pour_stays BEFORE UPDATE ON pours
WHEN NEW.seq <> OLD.seq
BEGIN
    SELECT RAISE(ABORT, 'tapline: a pour is never changed; only its status and attempts are the writer''s');
END;
-- The highest seq stays for ever, so that no number is given twice without AUTOINCREMENT's cost.
CREATE TRIGGER tapline_pour_is_kept BEFORE DELETE ON pours
WHEN OLD.seq > COALESCE((SELECT j.prunable_through FROM tapline_journal AS j), 0)
    OR OLD.seq = (SELECT max(p.seq) FROM pours AS p)
BEGIN
    SELECT RAISE(ABORT, 'tapline: a pour is kept until central has it in a verified backup');
END;

-- tapline: downgrade
-- The way out for a bar that leaves tapline. Identity, acks and log stay; tapline_left holds what
-- gen8 has no column for. `held` waits for a server: new again. `quarantined` is over for the
-- tap's program: rejected.
DROP TRIGGER tapline_pour_is_new;
DROP TRIGGER tapline_pour_is_fixed;
DROP TRIGGER tapline_pour_stays;
DROP TRIGGER tapline_pour_is_kept;
CREATE TABLE tapline_left (
    seq INTEGER PRIMARY KEY,
    client_tx_id TEXT UNIQUE,
    data TEXT,
    recorded_at TEXT,
    legacy_status TEXT,
    status TEXT
);
INSERT INTO tapline_left (seq, client_tx_id, data, recorded_at, legacy_status, status)
SELECT seq, client_tx_id, data, recorded_at, legacy_status, status FROM pours ORDER BY seq;
ALTER TABLE pours RENAME TO tapline_old;
CREATE TABLE pours (
    client_tx_id TEXT PRIMARY KEY,
    short_id TEXT,
    card_uid TEXT,
    tap_id INTEGER,
    start_ts TEXT,
    end_ts TEXT,
    duration_ms INTEGER,
    volume_ml INTEGER,
    tail_volume_ml INTEGER DEFAULT 0,
    price_cents INTEGER,
    status TEXT DEFAULT 'new',
    attempts INTEGER DEFAULT 0,
    price_per_ml_at_pour REAL
);
INSERT INTO pours (
    rowid, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml,
    tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour
)
SELECT
    seq, client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, volume_ml,
    tail_volume_ml, price_cents,
    CASE status WHEN 'held' THEN 'new' WHEN 'quarantined' THEN 'rejected' ELSE status END,
    attempts, price_per_ml_at_pour
FROM tapline_old ORDER BY seq;
DROP TABLE tapline_old;
