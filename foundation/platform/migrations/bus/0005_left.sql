-- Who has something left to do, for whoever moves the time of a sandbox: consumers with an event of theirs in the log that
-- they have not seen, or with one set aside that is due. Where the log grew by nothing that concerns a consumer, its cursor
-- may stay behind for a while; that is nothing to wait for.
CREATE FUNCTION bus.consumers_left(p_now timestamptz) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.consumer FROM bus.cursors c
     WHERE EXISTS (SELECT FROM bus.log l WHERE l."offset" > c.last_offset AND l.subject = ANY (c.subjects)
                      AND (c.parts = 1 OR bus.part_of(l.key, c.parts) = c.part))
    UNION
    SELECT d.consumer FROM bus.deferred d
     WHERE NOT d.dead AND d.run_at <= p_now
       AND NOT EXISTS (SELECT FROM bus.deferred e WHERE e.consumer = d.consumer AND e.key = d.key
                          AND e."offset" < d."offset")
$$;
REVOKE ALL ON FUNCTION bus.consumers_left(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bus.consumers_left(timestamptz) TO dropmate_system;
