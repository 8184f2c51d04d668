-- What a relay to a broker and the consumers behind a broker need to know of the log. The log stays the truth: nothing
-- here is needed to lose no event, only to find out early that a broker has lost some.

-- One row. `log_id` names this log: it survives dump and restore, and keeps two installations from writing into one
-- stream. The lease saves two relays from working against each other; the broker's own check of the last offset is what
-- keeps the order.
CREATE TABLE bus.broker (
    one        boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    log_id     uuid        NOT NULL DEFAULT gen_random_uuid(),
    confirmed  bigint      NOT NULL DEFAULT 0, -- the highest offset that the broker has acknowledged
    holder     uuid,                           -- the relay whose turn it is
    held_until timestamptz                     -- machine time
);
INSERT INTO bus.broker DEFAULT VALUES;

-- Names the log and its epoch: what was written under another identity is not comparable.
CREATE FUNCTION bus.identity() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT b.log_id::text || ':' || h.epoch || ':' || (extract(epoch FROM h.opened_at) * 1000000)::bigint
      FROM bus.broker b, bus.head h
$$;

-- Names what a consumer wants, so that a relay and a consumer can tell that they speak of the same thing.
CREATE FUNCTION bus.filter_of(p_subjects text[], p_parts integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT left(md5(array_to_string(p_subjects, ',') || '/' || p_parts), 8)
$$;

-- Locks the cursor and says where it is and what the consumer wants. No row: another instance has the cursor.
CREATE FUNCTION bus.position(p_consumer text, p_part integer)
RETURNS TABLE (last_offset bigint, first_offset bigint, next_offset bigint, identity text, filter text,
               subjects text[], parts integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_cursor bus.cursors;
BEGIN
    SELECT * INTO v_cursor FROM bus.cursors c
     WHERE c.consumer = p_consumer AND c.part = p_part AND c.service = platform.service()
       FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT v_cursor.last_offset, h.first_offset, h.next_offset, bus.identity(),
                        bus.filter_of(v_cursor.subjects, v_cursor.parts), v_cursor.subjects, v_cursor.parts
                   FROM bus.head h;
END $$;

-- What a relay knows when it begins: which offsets there are, and from where on somebody still waits.
CREATE FUNCTION bus.relay_open()
RETURNS TABLE (identity text, first_offset bigint, next_offset bigint, wanted_from bigint, confirmed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT bus.identity(), h.first_offset, h.next_offset,
           greatest(h.first_offset, 1 + least(h.next_offset - 1, (SELECT min(c.last_offset) FROM bus.cursors c))),
           b.confirmed
      FROM bus.head h, bus.broker b
$$;

-- The next events in the order of the log, each with the hash that decides about partitions.
CREATE FUNCTION bus.relay_read(p_after bigint, p_limit integer)
RETURNS TABLE ("offset" bigint, event_id uuid, org_id uuid, subject text, key uuid, version bigint, payload jsonb,
               actor text, trace text, occurred_at timestamptz, hash bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l."offset", l.event_id, l.org_id, l.subject, l.key, l.version, l.payload, l.actor, l.trace, l.occurred_at,
           hashtextextended(l.key::text, 0)
      FROM bus.log l WHERE l."offset" > p_after ORDER BY l."offset" LIMIT p_limit
$$;

-- Who wants what.
CREATE FUNCTION bus.relay_filters() RETURNS TABLE (consumer text, parts integer, subjects text[], filter text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.consumer, c.parts, c.subjects, bus.filter_of(c.subjects, c.parts) FROM bus.cursors c WHERE c.part = 0
$$;

-- Takes or keeps the relay's turn and notes how far it is; false while another relay has it.
CREATE FUNCTION bus.relay_turn(p_holder uuid, p_confirmed bigint, p_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE bus.broker SET holder = p_holder, held_until = clock_timestamp() + make_interval(secs => p_seconds),
                          confirmed = coalesce(p_confirmed, broker.confirmed)
     WHERE holder IS NULL OR holder = p_holder OR held_until < clock_timestamp();
    RETURN FOUND;
END $$;

ALTER TABLE bus.broker ENABLE ROW LEVEL SECURITY;
ALTER TABLE bus.broker FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON bus.broker TO dropmate_owner USING (true) WITH CHECK (true);

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bus FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bus.position(text, integer) TO dropmate_services;
GRANT EXECUTE ON FUNCTION bus.relay_open(), bus.relay_read(bigint, integer), bus.relay_filters(),
    bus.relay_turn(uuid, bigint, double precision) TO dropmate_system;
