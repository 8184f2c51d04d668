-- Schema `bus`: the event log (design section 4). Services reach it only through the functions below, which take the
-- source from the login role; no role but the owner may touch the tables.

-- What committed transactions want to say, in the order of their row locks. CACHE 1 is not a detail: with a larger
-- cache two sessions draw positions out of order and the order per key is lost.
CREATE TABLE bus.outbox (
    position    bigint      GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event_id    uuid        NOT NULL,
    org_id      uuid        NOT NULL,
    subject     text        NOT NULL, -- domain.action.version
    key         uuid        NOT NULL, -- the aggregate; order holds per key
    version     bigint      NOT NULL, -- of the aggregate
    payload     jsonb       NOT NULL,
    actor       text        NOT NULL,
    trace       text,
    source      text        NOT NULL, -- the service that said it
    occurred_at timestamptz NOT NULL, -- business time
    written_at  timestamptz NOT NULL DEFAULT clock_timestamp(), -- machine time, for the age alarm
    UNIQUE (subject, key, version)
);

-- The one row whose lock makes the sequencer single.
CREATE TABLE bus.head (
    one               boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    next_offset       bigint      NOT NULL DEFAULT 1,
    first_offset      bigint      NOT NULL DEFAULT 1, -- lowest offset still kept
    epoch             bigint      NOT NULL DEFAULT 1,
    system_identifier text        NOT NULL,
    timeline          integer     NOT NULL,
    opened_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The log: gapless offsets, one partition per day. Nothing but bus.advance() writes it.
CREATE TABLE bus.log (
    logged_on   date        NOT NULL,
    "offset"    bigint      NOT NULL,
    event_id    uuid        NOT NULL,
    org_id      uuid        NOT NULL,
    subject     text        NOT NULL,
    key         uuid        NOT NULL,
    version     bigint      NOT NULL,
    payload     jsonb       NOT NULL,
    actor       text        NOT NULL,
    trace       text,
    source      text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    logged_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (logged_on, "offset"),
    UNIQUE (logged_on, subject, key, version)
) PARTITION BY RANGE (logged_on);
-- Readers ask by offset alone.
CREATE INDEX log_by_offset ON bus.log ("offset");
-- Catches a day for which no partition was made in time; normally empty.
CREATE TABLE bus.log_default PARTITION OF bus.log DEFAULT;

-- Events that the log must not take: their version of the key is in it already, which only a fault in the publishing
-- service can bring about. They are kept here and alarmed, and the log goes on.
CREATE TABLE bus.rejected (
    LIKE bus.outbox,
    rejected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (position)
);

-- Which service may say what. Filled from the services' own declarations when they migrate.
CREATE TABLE bus.subjects (
    subject text NOT NULL PRIMARY KEY,
    source  text NOT NULL
);

-- One row per consumer and hash partition. Its lock, held in the transaction of the effects, keeps two instances from
-- running the same batch.
CREATE TABLE bus.cursors (
    consumer    text    NOT NULL,
    part        integer NOT NULL,
    parts       integer NOT NULL,
    service     text    NOT NULL,
    subjects    text[]  NOT NULL,
    last_offset bigint  NOT NULL,
    PRIMARY KEY (consumer, part),
    CHECK (part >= 0 AND part < parts)
);

-- One row per effect: an event delivered again, by whatever transport, finds its row and does nothing.
CREATE TABLE bus.inbox (
    consumer text        NOT NULL,
    event_id uuid        NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_by_age ON bus.inbox (at);

-- Events that failed, and the later events of their keys that wait behind them. A copy, because the log is dropped by
-- age. `dead` rows are the dead letters: their key stays parked until they are replayed or skipped.
CREATE TABLE bus.deferred (
    consumer    text        NOT NULL,
    "offset"    bigint      NOT NULL,
    event_id    uuid        NOT NULL,
    org_id      uuid        NOT NULL,
    subject     text        NOT NULL,
    key         uuid        NOT NULL,
    version     bigint      NOT NULL,
    payload     jsonb       NOT NULL,
    actor       text        NOT NULL,
    trace       text,
    occurred_at timestamptz NOT NULL,
    attempts    integer     NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL, -- business time
    last_error  text,
    dead        boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX deferred_by_key ON bus.deferred (consumer, key, "offset");

CREATE VIEW bus.dead_letters WITH (security_invoker = true) AS
    SELECT consumer, "offset", event_id, org_id, subject, key, version, attempts, last_error, occurred_at,
           (SELECT count(*) FROM bus.deferred w WHERE w.consumer = d.consumer AND w.key = d.key AND NOT w.dead) AS waiting
      FROM bus.deferred d WHERE dead;

------------------------------------------------------------------------------------------------------------------------
-- Writing

CREATE FUNCTION bus.publish(p_events uuid[], p_orgs uuid[], p_subjects text[], p_keys uuid[], p_versions bigint[],
                            p_payloads jsonb[], p_actors text[], p_traces text[], p_at timestamptz[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_source text := platform.service();
    v_foreign text;
BEGIN
    SELECT s INTO v_foreign FROM unnest(p_subjects) s
     WHERE NOT EXISTS (SELECT FROM bus.subjects o WHERE o.subject = s AND o.source = v_source) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'service % does not own the subject %', v_source, v_foreign
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO bus.outbox (event_id, org_id, subject, key, version, payload, actor, trace, source, occurred_at)
    SELECT e.event_id, e.org_id, e.subject, e.key, e.version, e.payload, e.actor, e.trace, v_source, e.at
      FROM unnest(p_events, p_orgs, p_subjects, p_keys, p_versions, p_payloads, p_actors, p_traces, p_at)
           WITH ORDINALITY AS e (event_id, org_id, subject, key, version, payload, actor, trace, at, n)
     ORDER BY e.n;
END $$;

-- The sequencer. One server-side call, so a stopped client cannot hold the lock; correctness needs no leader.
CREATE FUNCTION bus.advance(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_next bigint;
    v_count integer;
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    -- First statement: the lock. FOR UPDATE, never SKIP LOCKED; the statements after it see all that was committed
    -- before the lock was given, which only READ COMMITTED allows.
    SELECT next_offset INTO STRICT v_next FROM bus.head FOR UPDATE;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'bus.advance must run in READ COMMITTED';
    END IF;
    LOOP
        BEGIN
            WITH taken AS (
                DELETE FROM bus.outbox
                 WHERE position IN (SELECT position FROM bus.outbox ORDER BY position LIMIT p_limit)
                RETURNING *
            ), logged AS (
                INSERT INTO bus.log (logged_on, "offset", event_id, org_id, subject, key, version, payload, actor,
                                     trace, source, occurred_at)
                SELECT v_today, v_next + row_number() OVER (ORDER BY position) - 1, event_id, org_id, subject, key,
                       version, payload, actor, trace, source, occurred_at
                  FROM taken
                RETURNING 1
            )
            SELECT count(*) INTO v_count FROM logged;
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            -- One faulty event must not stop the log of the whole installation: set it aside, loudly, and go on.
            WITH refused AS (
                DELETE FROM bus.outbox o USING bus.log l
                 WHERE l.logged_on = v_today AND l.subject = o.subject AND l.key = o.key AND l.version = o.version
                RETURNING o.*
            )
            INSERT INTO bus.rejected SELECT * FROM refused;
            IF NOT FOUND THEN
                RAISE;
            END IF;
            RAISE WARNING 'events were rejected: their versions are in the log already (bus.rejected)';
        END;
    END LOOP;
    IF v_count > 0 THEN
        UPDATE bus.head SET next_offset = v_next + v_count;
    END IF;
    RETURN v_count;
END $$;

-- Called by every sequencer connection before its first advance: a database that is not the one the log was written
-- on (restored, promoted, copied) gets a new epoch before any new offset.
CREATE FUNCTION bus.open_log(p_new_epoch boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_system text := (SELECT system_identifier::text FROM pg_control_system());
    v_timeline integer := (SELECT timeline_id FROM pg_control_checkpoint());
    v_head bus.head;
BEGIN
    INSERT INTO bus.head (system_identifier, timeline) VALUES (v_system, v_timeline) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT v_head FROM bus.head FOR UPDATE;
    IF p_new_epoch OR v_head.system_identifier <> v_system OR v_head.timeline <> v_timeline THEN
        UPDATE bus.head SET epoch = epoch + 1, system_identifier = v_system, timeline = v_timeline,
                            opened_at = clock_timestamp()
        RETURNING * INTO v_head;
    END IF;
    RETURN v_head.epoch;
END $$;

-- Partitions for today and the days to come.
CREATE FUNCTION bus.ensure_partitions(p_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    v_day date;
    v_made integer := 0;
BEGIN
    FOR v_day IN SELECT generate_series(v_today, v_today + p_days, '1 day')::date LOOP
        IF to_regclass(format('bus.log_%s', to_char(v_day, 'YYYYMMDD'))) IS NULL
           AND NOT EXISTS (SELECT FROM bus.log_default WHERE logged_on = v_day) THEN
            PERFORM 1 FROM bus.head FOR UPDATE;
            EXECUTE format('CREATE TABLE IF NOT EXISTS bus.log_%s PARTITION OF bus.log FOR VALUES FROM (%L) TO (%L)',
                           to_char(v_day, 'YYYYMMDD'), v_day, v_day + 1);
            EXECUTE format('ALTER TABLE bus.log_%s ENABLE ROW LEVEL SECURITY', to_char(v_day, 'YYYYMMDD'));
            EXECUTE format('ALTER TABLE bus.log_%s FORCE ROW LEVEL SECURITY', to_char(v_day, 'YYYYMMDD'));
            EXECUTE format('CREATE POLICY owner ON bus.log_%s TO dropmate_owner USING (true) WITH CHECK (true)',
                           to_char(v_day, 'YYYYMMDD'));
            v_made := v_made + 1;
        END IF;
    END LOOP;
    RETURN v_made;
END $$;

-- Drops whole days before the given one, under the sequencer's lock. Consumers that had not read them are told by
-- bus.fetch, which raises; nothing is skipped in silence.
CREATE FUNCTION bus.drop_partitions(p_before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_name text;
    v_last bigint;
    v_dropped integer := 0;
BEGIN
    PERFORM 1 FROM bus.head FOR UPDATE;
    FOR v_name IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                   WHERE i.inhparent = 'bus.log'::regclass AND c.relname ~ '^log_[0-9]{8}$'
                     AND substr(c.relname, 5)::date < p_before ORDER BY 1 LOOP
        EXECUTE format('SELECT max("offset") FROM bus.%I', v_name) INTO v_last;
        EXECUTE format('DROP TABLE bus.%I', v_name);
        UPDATE bus.head SET first_offset = greatest(first_offset, v_last + 1) WHERE v_last IS NOT NULL;
        v_dropped := v_dropped + 1;
    END LOOP;
    RETURN v_dropped;
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Reading

-- Declares a consumer with its subjects; a new one starts at `p_from` ('start' of what is kept, or 'end').
CREATE FUNCTION bus.declare_consumer(p_consumer text, p_subjects text[], p_parts integer, p_from text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_service text := platform.service();
    v_start bigint;
    v_owner text;
BEGIN
    SELECT service INTO v_owner FROM bus.cursors WHERE consumer = p_consumer LIMIT 1;
    IF FOUND AND v_owner <> v_service THEN
        RAISE EXCEPTION 'consumer % belongs to %', p_consumer, v_owner USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT CASE p_from WHEN 'end' THEN next_offset - 1 ELSE first_offset - 1 END INTO STRICT v_start FROM bus.head;
    IF (SELECT count(*) FROM bus.cursors WHERE consumer = p_consumer AND parts = p_parts) <> p_parts
       AND EXISTS (SELECT FROM bus.cursors WHERE consumer = p_consumer) THEN
        -- Another number of partitions: all start again at the lowest cursor; the inbox absorbs what was done.
        PERFORM 1 FROM bus.cursors WHERE consumer = p_consumer FOR UPDATE;
        SELECT min(last_offset) INTO v_start FROM bus.cursors WHERE consumer = p_consumer;
        DELETE FROM bus.cursors WHERE consumer = p_consumer;
    END IF;
    INSERT INTO bus.cursors (consumer, part, parts, service, subjects, last_offset)
    SELECT p_consumer, n, p_parts, v_service, p_subjects, v_start FROM generate_series(0, p_parts - 1) n
    ON CONFLICT (consumer, part) DO UPDATE SET subjects = excluded.subjects
     WHERE cursors.subjects <> excluded.subjects;
END $$;

-- Locks the cursor and returns the next events in order, then one row without an event whose offset is where the
-- cursor may go. No row at all: another instance has the cursor, or nothing is new.
-- It reads a window of the log without a filter and counts it: a hole stops the consumer.
CREATE FUNCTION bus.fetch(p_consumer text, p_part integer, p_limit integer)
RETURNS TABLE ("offset" bigint, event_id uuid, org_id uuid, subject text, key uuid, version bigint, payload jsonb,
               actor text, trace text, occurred_at timestamptz, logged_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_cursor bus.cursors;
    v_head bus.head;
    v_to bigint;
    v_seen bigint;
    v_last bigint;
    v_matched integer;
BEGIN
    SELECT * INTO v_cursor FROM bus.cursors c
     WHERE c.consumer = p_consumer AND c.part = p_part AND c.service = platform.service()
       FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT v_head FROM bus.head;
    IF v_cursor.last_offset + 1 < v_head.first_offset THEN
        RAISE EXCEPTION 'consumer % is at %, but the log is kept from % on', p_consumer, v_cursor.last_offset,
            v_head.first_offset USING ERRCODE = 'DM010';
    END IF;
    v_to := least(v_head.next_offset - 1, v_cursor.last_offset + 10 * p_limit);
    IF v_to <= v_cursor.last_offset THEN
        RETURN;
    END IF;
    SELECT count(*) INTO v_seen FROM bus.log l WHERE l."offset" > v_cursor.last_offset AND l."offset" <= v_to;
    IF v_seen <> v_to - v_cursor.last_offset THEN
        RAISE EXCEPTION 'the log has a hole between % and %', v_cursor.last_offset, v_to USING ERRCODE = 'DM011';
    END IF;
    RETURN QUERY
        SELECT l."offset", l.event_id, l.org_id, l.subject, l.key, l.version, l.payload, l.actor, l.trace,
               l.occurred_at, l.logged_at
          FROM bus.log l
         WHERE l."offset" > v_cursor.last_offset AND l."offset" <= v_to AND l.subject = ANY (v_cursor.subjects)
           AND (v_cursor.parts = 1 OR bus.part_of(l.key, v_cursor.parts) = p_part)
         ORDER BY l."offset" LIMIT p_limit;
    GET DIAGNOSTICS v_matched = ROW_COUNT;
    IF v_matched = p_limit THEN
        -- The window may hold more: the cursor may only go to the last one returned.
        SELECT max(m."offset") INTO v_last FROM (
            SELECT l."offset" FROM bus.log l
             WHERE l."offset" > v_cursor.last_offset AND l."offset" <= v_to AND l.subject = ANY (v_cursor.subjects)
               AND (v_cursor.parts = 1 OR bus.part_of(l.key, v_cursor.parts) = p_part)
             ORDER BY l."offset" LIMIT p_limit) m;
        v_to := v_last;
    END IF;
    RETURN QUERY SELECT v_to, NULL::uuid, NULL::uuid, NULL::text, NULL::uuid, NULL::bigint, NULL::jsonb, NULL::text,
                        NULL::text, NULL::timestamptz, NULL::timestamptz;
END $$;

CREATE FUNCTION bus.part_of(p_key uuid, p_parts integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT ((hashtextextended(p_key::text, 0) % p_parts) + p_parts)::integer % p_parts
$$;

CREATE FUNCTION bus.check_consumer(p_consumer text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bus.cursors WHERE consumer = p_consumer AND service = platform.service()) THEN
        RAISE EXCEPTION 'consumer % is not declared by %', p_consumer, platform.service()
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION bus.move_cursor(p_consumer text, p_part integer, p_offset bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM bus.check_consumer(p_consumer);
    UPDATE bus.cursors SET last_offset = p_offset
     WHERE consumer = p_consumer AND part = p_part AND last_offset < p_offset;
END $$;

-- Inserts inbox rows and returns the events that had none, i.e. those whose effect is still to be done.
CREATE FUNCTION bus.claim_inbox(p_consumer text, p_events uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM bus.check_consumer(p_consumer);
    RETURN QUERY INSERT INTO bus.inbox (consumer, event_id) SELECT p_consumer, unnest(p_events)
        ON CONFLICT DO NOTHING RETURNING event_id;
END $$;

-- Of these keys, those that have an event waiting: later events of the key must wait behind it.
CREATE FUNCTION bus.parked_keys(p_consumer text, p_keys uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT DISTINCT d.key FROM bus.deferred d WHERE d.consumer = p_consumer AND d.key = ANY (p_keys)
       AND EXISTS (SELECT FROM bus.cursors c WHERE c.consumer = p_consumer AND c.service = platform.service())
$$;

-- Sets an event aside: it failed (with an error), or it waits behind one that did. Takes back its inbox row.
CREATE FUNCTION bus.defer(p_consumer text, p_offset bigint, p_event uuid, p_org uuid, p_subject text, p_key uuid,
                          p_version bigint, p_payload jsonb, p_actor text, p_trace text, p_occurred timestamptz,
                          p_attempts integer, p_run_at timestamptz, p_error text, p_dead boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM bus.check_consumer(p_consumer);
    DELETE FROM bus.inbox WHERE consumer = p_consumer AND event_id = p_event;
    INSERT INTO bus.deferred (consumer, "offset", event_id, org_id, subject, key, version, payload, actor, trace,
                              occurred_at, attempts, run_at, last_error, dead)
    VALUES (p_consumer, p_offset, p_event, p_org, p_subject, p_key, p_version, p_payload, p_actor, p_trace, p_occurred,
            p_attempts, p_run_at, p_error, p_dead)
    ON CONFLICT (consumer, event_id) DO UPDATE
        SET attempts = excluded.attempts, run_at = excluded.run_at, last_error = excluded.last_error,
            dead = excluded.dead
      -- An event that is delivered again while it waits here keeps its attempts, its error and its death.
      WHERE excluded.attempts > deferred.attempts;
END $$;

-- The first waiting event of one key that is due, locked; keys behind a dead letter are not due.
CREATE FUNCTION bus.next_deferred(p_consumer text, p_now timestamptz) RETURNS SETOF bus.deferred
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT d.* FROM bus.deferred d
     WHERE d.consumer = p_consumer AND NOT d.dead AND d.run_at <= p_now
       AND EXISTS (SELECT FROM bus.cursors c WHERE c.consumer = p_consumer AND c.service = platform.service())
       AND NOT EXISTS (SELECT FROM bus.deferred e WHERE e.consumer = d.consumer AND e.key = d.key
                          AND e."offset" < d."offset")
     ORDER BY d.run_at, d."offset" LIMIT 1 FOR UPDATE SKIP LOCKED
$$;

CREATE FUNCTION bus.finish_deferred(p_consumer text, p_event uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM bus.check_consumer(p_consumer);
    DELETE FROM bus.deferred WHERE consumer = p_consumer AND event_id = p_event;
END $$;

-- The operator's two ways out of a dead letter: try it again, or leave it out for good.
CREATE FUNCTION bus.replay(p_consumer text, p_event uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE bus.deferred SET dead = false, attempts = 0, run_at = '-infinity'
     WHERE consumer = p_consumer AND event_id = p_event AND dead;
    RETURN FOUND;
END $$;

CREATE FUNCTION bus.skip(p_consumer text, p_event uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM bus.deferred WHERE consumer = p_consumer AND event_id = p_event AND dead;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO bus.inbox (consumer, event_id) VALUES (p_consumer, p_event) ON CONFLICT DO NOTHING;
    RETURN true;
END $$;

-- What the metrics, `dropmate bus status` and the tests' drop check read.
CREATE FUNCTION bus.status()
RETURNS TABLE (next_offset bigint, epoch bigint, outbox bigint, oldest_outbox_s double precision, rejected bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.next_offset, h.epoch, (SELECT count(*) FROM bus.outbox),
           (SELECT extract(epoch FROM clock_timestamp() - min(o.written_at)) FROM bus.outbox o)::double precision,
           (SELECT count(*) FROM bus.rejected)
      FROM bus.head h
$$;
CREATE FUNCTION bus.consumers()
RETURNS TABLE (consumer text, service text, part integer, lag bigint, waiting bigint, dead bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.consumer, c.service, c.part, h.next_offset - 1 - c.last_offset,
           (SELECT count(*) FROM bus.deferred d WHERE d.consumer = c.consumer AND NOT d.dead),
           (SELECT count(*) FROM bus.deferred d WHERE d.consumer = c.consumer AND d.dead)
      FROM bus.cursors c, bus.head h ORDER BY 1, 3
$$;

CREATE FUNCTION bus.list_dead_letters()
RETURNS TABLE (consumer text, event_id uuid, org_id uuid, subject text, attempts integer, last_error text,
               waiting bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT d.consumer, d.event_id, d.org_id, d.subject, d.attempts, d.last_error, d.waiting
      FROM bus.dead_letters d ORDER BY d.consumer, d."offset"
$$;

-- Inbox rows older than the log that could deliver their events again are of no use.
CREATE FUNCTION bus.purge_inbox(p_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_count bigint;
BEGIN
    DELETE FROM bus.inbox WHERE at < clock_timestamp() - make_interval(days => p_days);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Protection: no role but the owner sees a table of this schema.

DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['outbox', 'rejected', 'head', 'log', 'log_default', 'subjects', 'cursors', 'inbox', 'deferred'] LOOP
        EXECUTE format('ALTER TABLE bus.%I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE bus.%I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY owner ON bus.%I TO dropmate_owner USING (true) WITH CHECK (true)', target);
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bus FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    bus.publish(uuid[], uuid[], text[], uuid[], bigint[], jsonb[], text[], text[], timestamptz[]),
    bus.declare_consumer(text, text[], integer, text), bus.fetch(text, integer, integer),
    bus.move_cursor(text, integer, bigint), bus.claim_inbox(text, uuid[]), bus.parked_keys(text, uuid[]),
    bus.defer(text, bigint, uuid, uuid, text, uuid, bigint, jsonb, text, text, timestamptz, integer, timestamptz, text,
              boolean),
    bus.next_deferred(text, timestamptz), bus.finish_deferred(text, uuid)
    TO dropmate_services;
GRANT EXECUTE ON FUNCTION bus.advance(integer), bus.open_log(boolean), bus.ensure_partitions(integer),
    bus.drop_partitions(date), bus.replay(text, uuid), bus.skip(text, uuid), bus.status(), bus.consumers(),
    bus.list_dead_letters(),
    bus.purge_inbox(integer), bus.declare_consumer(text, text[], integer, text)
    TO dropmate_system;
SELECT bus.open_log();
SELECT bus.ensure_partitions(7);
