-- balances: what `reconcile` needs to prove them, and histories that survive a deleted card or tap
-- Revision ID: t0003_balances
-- Revises: t0002_maintainers
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade

-- First, and held to the end: a settling transaction that has written receipts but not yet charged
-- has to be over before the openings are taken. Rows that are there already keep NULL: they are
-- part of the opening.
ALTER TABLE tapline.receipt ADD COLUMN settled_at timestamptz;
ALTER TABLE tapline.receipt ALTER COLUMN settled_at SET DEFAULT clock_timestamp();
COMMENT ON COLUMN tapline.receipt.settled_at IS 'NULL: before openings were taken (t0003)';

CREATE TABLE tapline.balance_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL CHECK (subject IN ('guest', 'keg')),
    subject_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('opening', 'update')),
    old_value numeric,
    new_value numeric NOT NULL,
    role text NOT NULL DEFAULT session_user,
    application text NOT NULL DEFAULT current_setting('application_name'),
    began_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX balance_change_subject_idx ON tapline.balance_change (subject_id, change_id);
COMMENT ON TABLE tapline.balance_change IS
    'guests.balance and kegs.current_volume_ml: where they began, and every update that settling didn''t make';
COMMENT ON COLUMN tapline.balance_change.began_at IS
    'start of the transaction: rows of pours and transactions with this created_at came with the update';

-- Settling's own updates have receipts and leave no row here: they say so by a setting of their
-- transaction. Another program that says so too shows as a difference nobody wrote down.
CREATE FUNCTION tapline.note_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tapline.balance_change (subject, subject_id, kind, new_value)
        VALUES ('guest', NEW.guest_id, 'opening', NEW.balance);
    ELSIF OLD.balance IS DISTINCT FROM NEW.balance THEN
        INSERT INTO tapline.balance_change (subject, subject_id, kind, old_value, new_value)
        VALUES ('guest', NEW.guest_id, 'update', OLD.balance, NEW.balance);
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION tapline.note_volume() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tapline.balance_change (subject, subject_id, kind, new_value)
        VALUES ('keg', NEW.keg_id, 'opening', NEW.current_volume_ml);
    ELSIF OLD.current_volume_ml IS DISTINCT FROM NEW.current_volume_ml THEN
        INSERT INTO tapline.balance_change (subject, subject_id, kind, old_value, new_value)
        VALUES ('keg', NEW.keg_id, 'update', OLD.current_volume_ml, NEW.current_volume_ml);
    END IF;
    RETURN NULL;
END
$body$;

-- Per row and with WHEN: settling's updates cost one comparison and queue nothing. A transition
-- table would be filled for them all the same. No WHEN here or below names a column: PostgreSQL
-- would refuse the bar's own ALTER of its type.
CREATE TRIGGER tapline_note_volume AFTER UPDATE ON public.kegs
    FOR EACH ROW WHEN (current_setting('tapline.settling', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION tapline.note_volume();
CREATE TRIGGER tapline_open_volume AFTER INSERT ON public.kegs
    FOR EACH ROW EXECUTE FUNCTION tapline.note_volume();
CREATE TRIGGER tapline_note_balance AFTER UPDATE ON public.guests
    FOR EACH ROW WHEN (current_setting('tapline.settling', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION tapline.note_balance();
CREATE TRIGGER tapline_open_balance AFTER INSERT ON public.guests
    FOR EACH ROW EXECUTE FUNCTION tapline.note_balance();

-- tapline: allow slow_work_under_lock: some thousand rows, and they must be of the moment the triggers begin
INSERT INTO tapline.balance_change (subject, subject_id, kind, new_value, began_at)
SELECT 'keg', k.keg_id, 'opening', k.current_volume_ml, clock_timestamp() FROM public.kegs k
ORDER BY k.keg_id;
-- tapline: allow slow_work_under_lock: some thousand rows, and they must be of the moment the triggers begin
INSERT INTO tapline.balance_change (subject, subject_id, kind, new_value, began_at)
SELECT 'guest', g.guest_id, 'opening', g.balance, clock_timestamp() FROM public.guests g
ORDER BY g.guest_id;

-- A tap or card that is deleted and made anew had its keg or guest until then. An INSERT needs no
-- row: before it there was nobody else, so today's stands. A renamed key takes its past along.
CREATE FUNCTION tapline.note_tap_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO tapline.tap_keg_history (tap_id, old_keg_id) VALUES (OLD.tap_id, OLD.keg_id);
    ELSIF OLD.tap_id IS DISTINCT FROM NEW.tap_id THEN
        UPDATE tapline.tap_keg_history SET tap_id = NEW.tap_id WHERE tap_id = OLD.tap_id;
    END IF;
    RETURN NULL;
END
$body$;

CREATE FUNCTION tapline.note_card_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO tapline.card_guest_history (card_uid, old_guest_id)
        VALUES (OLD.card_uid, OLD.guest_id);
    ELSIF OLD.card_uid IS DISTINCT FROM NEW.card_uid THEN
        UPDATE tapline.card_guest_history SET card_uid = NEW.card_uid
        WHERE card_uid = OLD.card_uid;
    END IF;
    RETURN NULL;
END
$body$;

CREATE TRIGGER tapline_note_tap_deleted AFTER DELETE ON public.taps
    FOR EACH ROW EXECUTE FUNCTION tapline.note_tap_gone();
CREATE TRIGGER tapline_note_tap_renamed AFTER UPDATE ON public.taps
    FOR EACH ROW WHEN (current_setting('tapline.settling', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION tapline.note_tap_gone();
CREATE TRIGGER tapline_note_card_deleted AFTER DELETE ON public.cards
    FOR EACH ROW EXECUTE FUNCTION tapline.note_card_gone();
CREATE TRIGGER tapline_note_card_renamed AFTER UPDATE ON public.cards
    FOR EACH ROW EXECUTE FUNCTION tapline.note_card_gone();

-- tapline: downgrade

DROP TRIGGER tapline_note_card_renamed ON public.cards;
DROP TRIGGER tapline_note_card_deleted ON public.cards;
DROP TRIGGER tapline_note_tap_renamed ON public.taps;
DROP TRIGGER tapline_note_tap_deleted ON public.taps;
DROP FUNCTION tapline.note_card_gone();
DROP FUNCTION tapline.note_tap_gone();
DROP TRIGGER tapline_open_balance ON public.guests;
DROP TRIGGER tapline_note_balance ON public.guests;
DROP TRIGGER tapline_open_volume ON public.kegs;
DROP TRIGGER tapline_note_volume ON public.kegs;
DROP FUNCTION tapline.note_volume();
DROP FUNCTION tapline.note_balance();
DROP TABLE tapline.balance_change;
ALTER TABLE tapline.receipt DROP COLUMN settled_at;
