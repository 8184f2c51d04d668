-- Schema `platform`: what every service needs. Run by the role dropmate_owner, which owns all objects and is the only
-- role that may change them. Services reach these tables with their own role, within row-level security.

-- The organisation of the running transaction. It RAISES when none is set: a query that forgot its tenant fails, it
-- never returns rows. After a SET LOCAL transaction a custom setting reads as '', not NULL, hence both checks.
CREATE FUNCTION platform.org() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
    value text := current_setting('dropmate.org', true);
BEGIN
    IF value IS NULL OR value = '' THEN
        RAISE EXCEPTION 'no organisation is set for this transaction' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN value::uuid;
END $$;

-- The organisation, or the nil UUID for what belongs to the installation itself (sign-in, first run).
CREATE FUNCTION platform.org_or_installation() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT coalesce(nullif(current_setting('dropmate.org', true), ''), '00000000-0000-0000-0000-000000000000')::uuid
$$;

-- The service behind the connection, from its login role: `dropmate_identity` is `identity`. session_user cannot be
-- changed by SET ROLE or by a SECURITY DEFINER function, so a service cannot pass for another.
CREATE FUNCTION platform.service() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN session_user LIKE 'dropmate\_%' THEN substr(session_user, 10) ELSE session_user::text END
$$;

-- Puts a table of business data behind row-level security. FORCE binds the owner too (migrations have their own
-- policy), and the sub-select lets PostgreSQL evaluate the tenant once per query instead of once per row.
CREATE FUNCTION platform.protect_tenant(target regclass, service text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    service_role text := 'dropmate_' || service;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY owner ON %s TO dropmate_owner USING (true) WITH CHECK (true)', target);
    EXECUTE format('CREATE POLICY tenant ON %s TO %I USING (org_id = (SELECT platform.org())) '
                   'WITH CHECK (org_id = (SELECT platform.org()))', target, service_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', target, service_role);
END $$;

-- The same for the few installation-wide tables (users, credentials, sessions, signing keys, the credential index):
-- no organisation, but exactly one service.
CREATE FUNCTION platform.protect_installation(target regclass, service text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    service_role text := 'dropmate_' || service;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY owner ON %s TO dropmate_owner USING (true) WITH CHECK (true)', target);
    EXECUTE format('CREATE POLICY installation ON %s TO %I USING (true) WITH CHECK (true)', target, service_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', target, service_role);
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Idempotency keys: the stored answer of a POST, 72 hours.

CREATE TABLE platform.idempotency_keys (
    org_id      uuid        NOT NULL, -- nil for operations outside an organisation
    service     text        NOT NULL DEFAULT platform.service(),
    principal   text        NOT NULL, -- label of the caller: another caller's key is another key
    operation   text        NOT NULL, -- operation id of the OpenAPI document
    key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea       NOT NULL, -- SHA-256 of path, query and body: the same key with another body is 422
    status      smallint    NOT NULL CHECK (status BETWEEN 200 AND 499),
    headers     jsonb       NOT NULL,
    body        bytea       NOT NULL, -- sealed: it may hold names and secrets that are shown once
    created_at  timestamptz NOT NULL, -- business time
    PRIMARY KEY (org_id, service, principal, operation, key)
);
-- The purge job walks by age.
CREATE INDEX idempotency_keys_by_age ON platform.idempotency_keys (created_at);

-- Takes the key for this transaction without waiting, and says by SQLSTATE what it found; silence means "go on".
-- Called in the same message as BEGIN, hence exceptions instead of rows.
CREATE FUNCTION platform.idempotency_claim(p_principal text, p_operation text, p_key text, p_fingerprint bytea)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_org uuid := platform.org_or_installation();
    v_service text := platform.service();
    v_fingerprint bytea;
BEGIN
    IF NOT pg_try_advisory_xact_lock(
        hashtextextended(concat_ws(E'\x1f', v_org, v_service, p_principal, p_operation, p_key), 0)) THEN
        RAISE EXCEPTION 'still running' USING ERRCODE = 'DM001';
    END IF;
    SELECT fingerprint INTO v_fingerprint FROM platform.idempotency_keys k
     WHERE k.org_id = v_org AND k.service = v_service AND k.principal = p_principal
       AND k.operation = p_operation AND k.key = p_key;
    IF FOUND AND v_fingerprint = p_fingerprint THEN
        RAISE EXCEPTION 'already answered' USING ERRCODE = 'DM002';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'used with another request' USING ERRCODE = 'DM003';
    END IF;
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Audit: one row per effect, written in the effect's transaction. Services may only insert.

CREATE TABLE platform.audit_entries (
    id          uuid        NOT NULL PRIMARY KEY, -- time-ordered
    org_id      uuid        NOT NULL, -- nil for the installation
    at          timestamptz NOT NULL, -- business time
    service     text        NOT NULL DEFAULT platform.service(),
    actor       text        NOT NULL, -- label of the principal
    role        text        NOT NULL,
    action      text        NOT NULL, -- operation id, job or consumer name
    object_type text        NOT NULL,
    object_id   text        NOT NULL,
    before_hash bytea,               -- SHA-256 of the canonical state before; NULL for a creation
    after_hash  bytea,               -- and after; NULL for a deletion
    request_id  text,
    trace       text,
    detail      jsonb       NOT NULL DEFAULT '{}' -- identifiers and reasons; never personal data
);
CREATE INDEX audit_entries_by_org ON platform.audit_entries (org_id, id);
-- What happened to one object, for support.
CREATE INDEX audit_entries_by_object ON platform.audit_entries (org_id, object_type, object_id);

-- The chain is written after the fact by the sealing writer: chaining inside the business transaction would make an
-- organisation's writes queue up behind each other.
CREATE TABLE platform.audit_chain (
    org_id   uuid   NOT NULL,
    sequence bigint NOT NULL, -- 1, 2, 3 ... without gaps per organisation
    entry_id uuid   NOT NULL UNIQUE REFERENCES platform.audit_entries (id),
    previous bytea  NOT NULL, -- MAC of the entry before; 32 zero bytes for the first
    mac      bytea  NOT NULL, -- HMAC-SHA256 over previous and the canonical entry
    key_id   text   NOT NULL,
    PRIMARY KEY (org_id, sequence)
);
CREATE TABLE platform.audit_heads (
    org_id   uuid   NOT NULL PRIMARY KEY,
    sequence bigint NOT NULL,
    mac      bytea  NOT NULL
);

------------------------------------------------------------------------------------------------------------------------
-- Vault: keys per organisation and per data subject, wrapped; reached only through functions.

CREATE TABLE platform.vault_scope_keys (
    scope      uuid        NOT NULL PRIMARY KEY, -- organisation, or nil for the installation
    wrapped    bytea       NOT NULL,
    key_id     text        NOT NULL, -- which installation key wraps it
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE platform.vault_subject_keys (
    scope        uuid        NOT NULL REFERENCES platform.vault_scope_keys (scope),
    subject_id   uuid        NOT NULL,
    wrapped      bytea,      -- NULL once destroyed: what it sealed is unreadable for ever
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (scope, subject_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

CREATE FUNCTION platform.vault_check_scope(p_scope uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF p_scope <> '00000000-0000-0000-0000-000000000000'::uuid AND p_scope <> platform.org() THEN
        RAISE EXCEPTION 'keys of another organisation' USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

-- Both keys in one round trip; no row when the scope has no key yet.
CREATE FUNCTION platform.vault_get(p_scope uuid, p_subject uuid)
RETURNS TABLE (scope_wrapped bytea, scope_key_id text, subject_wrapped bytea, subject_destroyed boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    RETURN QUERY
        SELECT s.wrapped, s.key_id, k.wrapped, k.destroyed_at IS NOT NULL AND k.subject_id IS NOT NULL
          FROM platform.vault_scope_keys s
          LEFT JOIN platform.vault_subject_keys k ON k.scope = s.scope AND k.subject_id = p_subject
         WHERE s.scope = p_scope;
END $$;

-- Adds a key unless there is one; whoever comes second reads the first one's.
CREATE FUNCTION platform.vault_put_scope(p_scope uuid, p_wrapped bytea, p_key_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    INSERT INTO platform.vault_scope_keys (scope, wrapped, key_id) VALUES (p_scope, p_wrapped, p_key_id)
    ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION platform.vault_put_subject(p_scope uuid, p_subject uuid, p_wrapped bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    INSERT INTO platform.vault_subject_keys (scope, subject_id, wrapped) VALUES (p_scope, p_subject, p_wrapped)
    ON CONFLICT DO NOTHING;
END $$;

-- Erasure: the key is gone in this statement; the tombstone refuses a new one under the same subject, also where there
-- was none yet. The scope's key must exist (the vault makes it). False when it was destroyed before.
CREATE FUNCTION platform.vault_destroy_subject(p_scope uuid, p_subject uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM platform.vault_check_scope(p_scope);
    INSERT INTO platform.vault_subject_keys AS k (scope, subject_id, wrapped, destroyed_at)
    VALUES (p_scope, p_subject, NULL, now())
    ON CONFLICT (scope, subject_id) DO UPDATE SET wrapped = NULL, destroyed_at = excluded.destroyed_at
     WHERE k.destroyed_at IS NULL;
    RETURN FOUND;
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Revoked sessions: read by every process once a second, so that a lost phone is cut off at once.

CREATE TABLE platform.revocations (
    session_id uuid        NOT NULL PRIMARY KEY,
    until      timestamptz NOT NULL -- when the last access token of the session has expired by itself
);
CREATE FUNCTION platform.revoke_session(p_session uuid, p_until timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO platform.revocations (session_id, until) VALUES (p_session, p_until)
    ON CONFLICT (session_id) DO UPDATE SET until = greatest(revocations.until, excluded.until)
$$;
CREATE FUNCTION platform.revoked_sessions(p_now timestamptz) RETURNS TABLE (session_id uuid, until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.session_id, r.until FROM platform.revocations r WHERE r.until > p_now
$$;

------------------------------------------------------------------------------------------------------------------------
-- Jobs: rows, enqueued in the business transaction, claimed with SKIP LOCKED.

CREATE TABLE platform.jobs (
    id           uuid        NOT NULL PRIMARY KEY,
    service      text        NOT NULL DEFAULT platform.service(),
    queue        text        NOT NULL,
    name         text        NOT NULL,
    org_id       uuid,       -- the organisation it acts in; NULL for the installation
    payload      jsonb       NOT NULL,
    priority     smallint    NOT NULL DEFAULT 0, -- higher first
    unique_key   text,       -- at most one queued job per service and key
    state        text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
    run_at       timestamptz NOT NULL, -- business time
    attempts     smallint    NOT NULL DEFAULT 0,
    max_attempts smallint    NOT NULL,
    lease_token  uuid,       -- fencing: only the holder of this token may finish the job
    lease_until  timestamptz, -- machine time, like every lease
    last_error   text,
    trace        text,
    created_at   timestamptz NOT NULL, -- business time
    finished_at  timestamptz, -- business time
    CHECK ((state = 'running') = (lease_token IS NOT NULL))
);
-- The claim: due jobs of a service, best first.
CREATE INDEX jobs_due ON platform.jobs (service, queue, priority DESC, run_at, id) WHERE state = 'queued';
-- Workers that died.
CREATE INDEX jobs_leased ON platform.jobs (service, lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_unique ON platform.jobs (service, unique_key) WHERE state = 'queued' AND unique_key IS NOT NULL;
-- The purge, and the list of dead letters.
CREATE INDEX jobs_finished ON platform.jobs (service, state, finished_at) WHERE state IN ('done', 'dead', 'cancelled');

CREATE TABLE platform.job_schedules (
    service     text        NOT NULL DEFAULT platform.service(),
    name        text        NOT NULL,
    spec        text        NOT NULL, -- cron expression or `every 30s`; a change resets next_run_at
    next_run_at timestamptz NOT NULL, -- business time
    PRIMARY KEY (service, name)
);

------------------------------------------------------------------------------------------------------------------------
-- Protection of the tables above.

DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['idempotency_keys', 'audit_entries', 'audit_chain', 'audit_heads', 'vault_scope_keys',
                                  'vault_subject_keys', 'revocations', 'jobs', 'job_schedules'] LOOP
        EXECUTE format('ALTER TABLE platform.%I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE platform.%I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY owner ON platform.%I TO dropmate_owner USING (true) WITH CHECK (true)', target);
        EXECUTE format('CREATE POLICY system ON platform.%I TO dropmate_system USING (true) WITH CHECK (true)', target);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON platform.%I TO dropmate_system', target);
    END LOOP;
END $$;

CREATE POLICY service ON platform.idempotency_keys TO dropmate_services
    USING (org_id = (SELECT platform.org_or_installation()) AND service = (SELECT platform.service()))
    WITH CHECK (org_id = (SELECT platform.org_or_installation()) AND service = (SELECT platform.service()));
GRANT SELECT, INSERT, DELETE ON platform.idempotency_keys TO dropmate_services;

CREATE POLICY service ON platform.audit_entries FOR INSERT TO dropmate_services
    WITH CHECK (org_id = (SELECT platform.org_or_installation()) AND service = (SELECT platform.service()));
GRANT INSERT ON platform.audit_entries TO dropmate_services;

CREATE POLICY service ON platform.jobs TO dropmate_services
    USING (service = (SELECT platform.service())) WITH CHECK (service = (SELECT platform.service()));
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.jobs TO dropmate_services;
CREATE POLICY service ON platform.job_schedules TO dropmate_services
    USING (service = (SELECT platform.service())) WITH CHECK (service = (SELECT platform.service()));
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.job_schedules TO dropmate_services;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA platform FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.org(), platform.org_or_installation(), platform.service(),
    platform.idempotency_claim(text, text, text, bytea),
    platform.vault_check_scope(uuid), platform.vault_get(uuid, uuid), platform.vault_put_scope(uuid, bytea, text),
    platform.vault_put_subject(uuid, uuid, bytea), platform.vault_destroy_subject(uuid, uuid),
    platform.revoke_session(uuid, timestamptz), platform.revoked_sessions(timestamptz)
    TO dropmate_services, dropmate_system;
