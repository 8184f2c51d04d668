-- Passing the log on to clients that are connected (design section 5). Whoever does so owns nothing durable and keeps no
-- cursor: it asks for what comes after an offset, and clients say where they were.

-- Where the log stands: the first offset that is kept, the next that will be given out, and the epoch.
CREATE FUNCTION bus.log_range() RETURNS TABLE (epoch bigint, first_offset bigint, next_offset bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.epoch, h.first_offset, h.next_offset FROM bus.head h
$$;

-- What comes after an offset, at most so many events up to another offset, of all organisations or of one. Without an
-- organisation the read is unfiltered, and a hole in it can be seen.
CREATE FUNCTION bus.read_log(p_after bigint, p_to bigint, p_org uuid, p_limit integer)
RETURNS TABLE ("offset" bigint, org_id uuid, subject text, key uuid, version bigint, payload jsonb, occurred_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l."offset", l.org_id, l.subject, l.key, l.version, l.payload, l.occurred_at
      FROM bus.log l
     WHERE l."offset" > p_after AND l."offset" <= p_to AND (p_org IS NULL OR l.org_id = p_org)
     ORDER BY l."offset" LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION bus.log_range(), bus.read_log(bigint, bigint, uuid, integer) FROM PUBLIC;
