-- maintainers: who may say what the schema is, and which roles were given what
-- Revision ID: t0002_maintainers
-- Revises: t0001_settling
-- Create Date: 2026-11-20
-- Phase: expand

-- tapline: upgrade

-- Names and not OIDs: the list has to survive dump and restore. A row is never deleted: who was a
-- maintainer when is part of the record.
CREATE TABLE tapline.maintainer (
    maintainer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role text NOT NULL,
    added_by text NOT NULL DEFAULT session_user,
    added_person text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_by text,
    removed_person text,
    removed_at timestamptz,
    reason text,
    CHECK ((removed_at IS NULL) = (removed_by IS NULL)),
    CHECK ((removed_at IS NULL) = (reason IS NULL))
);
CREATE UNIQUE INDEX maintainer_role_idx ON tapline.maintainer (role) WHERE removed_at IS NULL;
COMMENT ON TABLE tapline.maintainer IS 'login roles that may stamp; rows without removed_at are the list';

CREATE TABLE tapline.granted_role (
    role text PRIMARY KEY,
    kind text NOT NULL,
    granted_by text NOT NULL DEFAULT session_user,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE tapline.granted_role IS 'roles that `grants` set up; what it gave them is no drift';
COMMENT ON COLUMN tapline.granted_role.kind IS 'app: the bar''s application';

-- session_user and not current_user: SET ROLE and SECURITY DEFINER don't make another person.
-- Who begins the list, and who begins it anew when nobody on it can log in any more: those that
-- could change the tables by hand anyway.
CREATE FUNCTION tapline.may_maintain() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN CASE
        WHEN EXISTS (SELECT FROM tapline.maintainer m JOIN pg_roles r ON r.rolname = m.role
                     WHERE m.removed_at IS NULL AND r.rolcanlogin)
        THEN EXISTS (SELECT FROM tapline.maintainer m
                     WHERE m.removed_at IS NULL AND m.role = session_user)
        ELSE (SELECT pg_has_role(session_user, d.datdba, 'MEMBER') FROM pg_database d
              WHERE d.datname = current_database())
          OR (SELECT pg_has_role(session_user, n.nspowner, 'MEMBER') FROM pg_namespace n
              WHERE n.nspname = 'tapline')
    END;

-- Also against SQL by hand: the owner of the table would have to switch the trigger off, which
-- `check` reports.
CREATE FUNCTION tapline.guard_maintainer() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP IN ('DELETE', 'TRUNCATE') THEN
        RAISE EXCEPTION 'rows of tapline.maintainer stay' USING ERRCODE = 'insufficient_privilege',
            HINT = 'tapline-central maintainers remove ROLE --reason WHY';
    END IF;
    IF NOT tapline.may_maintain() THEN
        RAISE EXCEPTION 'the role % is not a maintainer', session_user
            USING ERRCODE = 'insufficient_privilege',
            HINT = 'a maintainer adds it: tapline-central maintainers add ' || session_user;
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER maintainer_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON tapline.maintainer
    FOR EACH STATEMENT EXECUTE FUNCTION tapline.guard_maintainer();

CREATE FUNCTION tapline.keep_a_maintainer() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM tapline.maintainer WHERE removed_at IS NULL) THEN
        RAISE EXCEPTION 'the last maintainer stays' USING ERRCODE = 'object_in_use',
            HINT = 'add another one first: tapline-central maintainers add ROLE';
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER maintainer_last AFTER UPDATE ON tapline.maintainer
    FOR EACH STATEMENT EXECUTE FUNCTION tapline.keep_a_maintainer();

-- What a stamp writes and reads; the same for GRANT and REVOKE. Of the bar's version table only
-- where this function's owner may give rights on it; `maintainers add` says what is left to do.
CREATE FUNCTION tapline.set_maintainer_rights(role text, may boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    verb text := CASE WHEN may THEN 'GRANT' ELSE 'REVOKE' END;
    side text := CASE WHEN may THEN 'TO' ELSE 'FROM' END;
    name text;
BEGIN
    EXECUTE format('%s USAGE ON SCHEMA tapline %s %I', verb, side, role);
    FOREACH name IN ARRAY ARRAY['alembic_version', 'revision_log', 'revision_progress',
                                'accepted_difference', 'maintainer', 'granted_role', 'setting']
    LOOP
        IF to_regclass('tapline.' || name) IS NOT NULL THEN
            EXECUTE format('%s %s ON tapline.%I %s %I', verb,
                CASE WHEN name IN ('maintainer', 'granted_role', 'setting') THEN 'SELECT'
                     WHEN name = 'revision_log' THEN 'SELECT, INSERT'
                     ELSE 'SELECT, INSERT, UPDATE, DELETE' END, name, side, role);
        END IF;
    END LOOP;
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        BEGIN
            EXECUTE format('%s SELECT, INSERT, UPDATE, DELETE ON public.alembic_version %s %I',
                verb, side, role);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END IF;
END
$body$;

CREATE FUNCTION tapline.add_maintainer(fresh text, person text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    LOCK TABLE tapline.maintainer IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO tapline.maintainer (role, added_person) VALUES (fresh, person)
        ON CONFLICT (role) WHERE removed_at IS NULL DO NOTHING;
    PERFORM tapline.set_maintainer_rights(fresh, true);
END
$body$;

CREATE FUNCTION tapline.remove_maintainer(gone text, person text, why text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    LOCK TABLE tapline.maintainer IN SHARE ROW EXCLUSIVE MODE;
    UPDATE tapline.maintainer SET removed_by = session_user, removed_person = person,
        removed_at = clock_timestamp(), reason = why
        WHERE role = gone AND removed_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = gone) THEN
        PERFORM tapline.set_maintainer_rights(gone, false);
    END IF;
    RETURN true;
END
$body$;
REVOKE ALL ON FUNCTION tapline.set_maintainer_rights(text, boolean) FROM PUBLIC;

-- tapline: downgrade

DROP FUNCTION tapline.remove_maintainer(text, text, text);
DROP FUNCTION tapline.add_maintainer(text, text);
DROP FUNCTION tapline.set_maintainer_rights(text, boolean);
DROP FUNCTION tapline.may_maintain();
DROP TABLE tapline.granted_role;
DROP TABLE tapline.maintainer;
DROP FUNCTION tapline.keep_a_maintainer();
DROP FUNCTION tapline.guard_maintainer();
