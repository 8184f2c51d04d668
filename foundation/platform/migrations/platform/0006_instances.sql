-- Processes of a split installation: who they are. The group dropmate_processes holds every service role, also of those
-- that own nothing durable (the gateway); what stands here is all that such a role may do.

-- A running process as one service, and the public half of the key that signs its service tokens. The private half never
-- leaves the process.
CREATE TABLE platform.instances (
    id         uuid        NOT NULL PRIMARY KEY,                     -- the key id of its tokens
    service    text        NOT NULL,                                 -- from the login role, never from the caller
    public_key bytea       NOT NULL CHECK (length(public_key) = 32), -- Ed25519
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_until timestamptz NOT NULL                                  -- machine time, like every lease
);
ALTER TABLE platform.instances ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.instances FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON platform.instances TO dropmate_owner USING (true) WITH CHECK (true);

-- Publishes a key, or prolongs it. A service cannot speak for another, nor change a key that is published.
CREATE FUNCTION platform.announce_instance(p_id uuid, p_public_key bytea, p_seconds integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 3600));
BEGIN
    DELETE FROM platform.instances WHERE service = platform.service() AND seen_until < clock_timestamp() AND id <> p_id;
    INSERT INTO platform.instances AS i (id, service, public_key, seen_until)
    VALUES (p_id, platform.service(), p_public_key, v_until)
    ON CONFLICT (id) DO UPDATE SET seen_until = excluded.seen_until
     WHERE i.service = excluded.service AND i.public_key = excluded.public_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'instance % is another one', p_id USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION platform.leave_instance(p_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DELETE FROM platform.instances WHERE id = p_id AND service = platform.service()
$$;

-- The keys whose tokens are accepted.
CREATE FUNCTION platform.service_keys() RETURNS TABLE (id uuid, service text, public_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT i.id, i.service, i.public_key FROM platform.instances i WHERE i.seen_until > clock_timestamp()
$$;

REVOKE ALL ON FUNCTION platform.announce_instance(uuid, bytea, integer), platform.leave_instance(uuid),
    platform.service_keys() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.announce_instance(uuid, bytea, integer), platform.leave_instance(uuid),
    platform.service_keys(), platform.service(), platform.revoked_sessions(timestamptz) TO dropmate_processes;
