-- Keys that change while they are used, and erasures that are remembered outside the database.
--
-- A scope's key (one per organisation, one for the installation) wraps: rotating it wraps the same subject keys anew. A
-- subject's key seals: rotating it adds a version, which seals only after every process must have heard of it, and the
-- older version stays until the services that own sealed columns have sealed them anew.

ALTER TABLE platform.vault_scope_keys
    ADD COLUMN version      integer NOT NULL DEFAULT 1,
    ADD COLUMN data_wrapped bytea,   -- the key of search hashes and of the scope's own secrets, wrapped by the scope's
                                     -- key; NULL as long as both are the same (version 1)
    ADD CONSTRAINT vault_scope_keys_data CHECK ((version = 1) = (data_wrapped IS NULL));

ALTER TABLE platform.vault_subject_keys
    ADD COLUMN version     smallint    NOT NULL DEFAULT 1 CHECK (version BETWEEN 1 AND 32767),
    ADD COLUMN usable_from timestamptz NOT NULL DEFAULT now(), -- machine time: nobody seals with it earlier
    DROP CONSTRAINT vault_subject_keys_pkey,
    ADD PRIMARY KEY (scope, subject_id, version);

-- Which services own sealed columns: an old version goes when each of them has said that nothing needs it.
CREATE TABLE platform.vault_services (
    service text NOT NULL PRIMARY KEY DEFAULT platform.service()
);
CREATE TABLE platform.vault_resealed (
    scope      uuid     NOT NULL,
    subject_id uuid     NOT NULL,
    version    smallint NOT NULL, -- everything of this service is sealed with this version
    service    text     NOT NULL DEFAULT platform.service(),
    PRIMARY KEY (scope, subject_id, service)
);

-- Erasures on their way to the journal outside the database, and those that are in it.
CREATE TABLE platform.erasures (
    sequence   bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope      uuid        NOT NULL,
    subject_id uuid        NOT NULL,
    erased_at  timestamptz NOT NULL DEFAULT now(),
    journaled  boolean     NOT NULL DEFAULT false
);
CREATE INDEX erasures_waiting ON platform.erasures (sequence) WHERE NOT journaled;
INSERT INTO platform.erasures (scope, subject_id, erased_at)
    SELECT scope, subject_id, destroyed_at FROM platform.vault_subject_keys WHERE wrapped IS NULL;

------------------------------------------------------------------------------------------------------------------------

-- The scope's key and every version of the subject's, in one round trip; no row when the scope has no key yet.
CREATE FUNCTION platform.vault_read(p_scope uuid, p_subject uuid)
RETURNS TABLE (scope_wrapped bytea, scope_key_id text, scope_version integer, scope_data bytea,
               subject_version smallint, subject_wrapped bytea, usable_in_s double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    RETURN QUERY
        SELECT s.wrapped, s.key_id, s.version, s.data_wrapped, k.version, k.wrapped,
               greatest(extract(epoch FROM k.usable_from - clock_timestamp()), 0)::double precision
          FROM platform.vault_scope_keys s
          LEFT JOIN platform.vault_subject_keys k ON k.scope = s.scope AND k.subject_id = p_subject
         WHERE s.scope = p_scope
         ORDER BY k.version;
END $$;

-- Adds a scope's key unless there is one. False, and nothing done, when the database's keys are wrapped by another
-- installation key than this: the caller has not heard of a rotation yet.
CREATE FUNCTION platform.vault_make_scope(p_scope uuid, p_wrapped bytea, p_key_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    -- Waits for a running rotation; the next statement sees what it did.
    LOCK TABLE platform.vault_scope_keys IN ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM platform.vault_scope_keys WHERE key_id <> p_key_id) THEN
        RETURN false;
    END IF;
    INSERT INTO platform.vault_scope_keys (scope, wrapped, key_id) VALUES (p_scope, p_wrapped, p_key_id)
    ON CONFLICT DO NOTHING;
    RETURN true;
END $$;

-- The installation key that wraps the database's keys; NULL on an empty installation.
CREATE FUNCTION platform.vault_key_id() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT min(key_id) FROM platform.vault_scope_keys
$$;

-- Adds the first key of a subject unless there is one (or a tombstone). False when the scope's key, which wraps it, is not
-- the present one any more.
CREATE FUNCTION platform.vault_make_subject(p_scope uuid, p_subject uuid, p_wrapped bytea, p_scope_version integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    -- Waits for a rotation, which locks the row FOR UPDATE.
    PERFORM FROM platform.vault_scope_keys WHERE scope = p_scope AND version = p_scope_version FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO platform.vault_subject_keys (scope, subject_id, wrapped)
    SELECT p_scope, p_subject, p_wrapped
     WHERE NOT EXISTS (SELECT FROM platform.vault_subject_keys WHERE scope = p_scope AND subject_id = p_subject)
    ON CONFLICT DO NOTHING;
    RETURN true;
END $$;

-- What programs of the version before this call: they know neither of versions nor of rotations.
CREATE OR REPLACE FUNCTION platform.vault_put_scope(p_scope uuid, p_wrapped bytea, p_key_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT platform.vault_make_scope(p_scope, p_wrapped, p_key_id) THEN
        RAISE EXCEPTION 'the installation key was rotated' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION platform.vault_put_subject(p_scope uuid, p_subject uuid, p_wrapped bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT platform.vault_make_subject(p_scope, p_subject, p_wrapped, 1) THEN
        RAISE EXCEPTION 'the organisation key was rotated' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- Adds the next version of a subject's key, sealing from `p_wait_s` seconds on. NULL when there is no key to follow, when
-- the one before is not yet out of use, or when the scope's key is not the present one any more.
CREATE FUNCTION platform.vault_next_subject(
    p_scope uuid, p_subject uuid, p_wrapped bytea, p_version smallint, p_scope_version integer, p_wait_s integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    PERFORM FROM platform.vault_scope_keys WHERE scope = p_scope AND version = p_scope_version FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Two rotations at once, or one that overtakes an erasure, wait here.
    PERFORM FROM platform.vault_subject_keys WHERE scope = p_scope AND subject_id = p_subject FOR UPDATE;
    INSERT INTO platform.vault_subject_keys (scope, subject_id, version, wrapped, usable_from)
    SELECT p_scope, p_subject, p_version, p_wrapped, clock_timestamp() + make_interval(secs => p_wait_s)
      FROM platform.vault_subject_keys k
     WHERE k.scope = p_scope AND k.subject_id = p_subject
    HAVING count(*) = 1 AND max(k.version) = p_version - 1 AND bool_and(k.wrapped IS NOT NULL);
    RETURN FOUND;
END $$;

-- Erasure: every version is gone in this statement; the tombstone refuses a new one under the same subject, also where
-- there was none yet. The scope's key must exist (the vault makes it). False when it was destroyed before.
CREATE OR REPLACE FUNCTION platform.vault_destroy_subject(p_scope uuid, p_subject uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    -- Version 1 may be gone after a rotation: the tombstone takes its place before the others go.
    INSERT INTO platform.vault_subject_keys AS k (scope, subject_id, version, wrapped, destroyed_at)
    VALUES (p_scope, p_subject, 1, NULL, now())
    ON CONFLICT (scope, subject_id, version) DO UPDATE SET wrapped = NULL, destroyed_at = excluded.destroyed_at
     WHERE k.destroyed_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM platform.vault_subject_keys WHERE scope = p_scope AND subject_id = p_subject AND version > 1;
    DELETE FROM platform.vault_resealed WHERE scope = p_scope AND subject_id = p_subject;
    INSERT INTO platform.erasures (scope, subject_id) VALUES (p_scope, p_subject);
    RETURN true;
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Sealing anew, by the services that own the columns.

-- States that the calling service owns sealed columns.
CREATE FUNCTION platform.vault_register() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO platform.vault_services DEFAULT VALUES ON CONFLICT DO NOTHING
$$;

-- Subjects whose newest version has been in use for `p_settled_s` seconds (longer than any transaction that could still
-- seal with the one before) and for which the calling service has not finished.
CREATE FUNCTION platform.vault_to_reseal(p_limit integer, p_settled_s integer)
RETURNS TABLE (scope uuid, subject_id uuid, version smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT k.scope, k.subject_id, k.version
      FROM platform.vault_subject_keys k
     WHERE k.version > 1
       AND k.usable_from < clock_timestamp() - make_interval(secs => p_settled_s)
       AND EXISTS (SELECT FROM platform.vault_subject_keys older
                    WHERE older.scope = k.scope AND older.subject_id = k.subject_id AND older.version < k.version)
       AND NOT EXISTS (SELECT FROM platform.vault_resealed r
                        WHERE r.scope = k.scope AND r.subject_id = k.subject_id AND r.service = platform.service()
                          AND r.version >= k.version)
     ORDER BY k.usable_from LIMIT p_limit
$$;

-- The calling service has nothing left under an older version. When that is true of all, the older versions go.
CREATE FUNCTION platform.vault_resealed(p_scope uuid, p_subject uuid, p_version smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    -- One service at a time: the last one sees what the others said.
    PERFORM FROM platform.vault_subject_keys WHERE scope = p_scope AND subject_id = p_subject FOR UPDATE;
    INSERT INTO platform.vault_resealed AS r (scope, subject_id, version) VALUES (p_scope, p_subject, p_version)
    ON CONFLICT (scope, subject_id, service) DO UPDATE SET version = greatest(r.version, excluded.version);
    DELETE FROM platform.vault_subject_keys k
     WHERE k.scope = p_scope AND k.subject_id = p_subject AND k.version < p_version
       AND NOT EXISTS (SELECT FROM platform.vault_services s
                        WHERE NOT EXISTS (SELECT FROM platform.vault_resealed r
                                           WHERE r.scope = p_scope AND r.subject_id = p_subject
                                             AND r.service = s.service AND r.version >= p_version));
END $$;

------------------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['vault_services', 'vault_resealed', 'erasures'] LOOP
        EXECUTE format('ALTER TABLE platform.%I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE platform.%I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY owner ON platform.%I TO dropmate_owner USING (true) WITH CHECK (true)', target);
    END LOOP;
END $$;
-- The journal's writer reads what waits, and marks it.
CREATE POLICY system ON platform.erasures TO dropmate_system USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON platform.erasures TO dropmate_system;

REVOKE ALL ON FUNCTION platform.vault_read(uuid, uuid), platform.vault_key_id(), platform.vault_make_scope(uuid, bytea, text),
    platform.vault_make_subject(uuid, uuid, bytea, integer),
    platform.vault_next_subject(uuid, uuid, bytea, smallint, integer, integer), platform.vault_register(),
    platform.vault_to_reseal(integer, integer), platform.vault_resealed(uuid, uuid, smallint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.vault_read(uuid, uuid), platform.vault_key_id(), platform.vault_make_scope(uuid, bytea, text),
    platform.vault_make_subject(uuid, uuid, bytea, integer),
    platform.vault_next_subject(uuid, uuid, bytea, smallint, integer, integer), platform.vault_register(),
    platform.vault_to_reseal(integer, integer), platform.vault_resealed(uuid, uuid, smallint)
    TO dropmate_services, dropmate_system;
