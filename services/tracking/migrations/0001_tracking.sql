-- Schema `tracking`: positions, the timeline of each delivery, expected times, devices, settings, ratings; and read models of
-- orders, drivers, routes and shops, made from their events. Nothing here names a person, except sealed comments.

------------------------------------------------------------------------------------------------------------------------
-- Read models

-- Drivers as the events tell, with the newest position that was accepted. The row's lock puts the positions of one driver
-- in order, so that "compared with the one before" means something.
CREATE TABLE tracking.drivers (
    org_id          uuid             NOT NULL,
    id              uuid             NOT NULL,
    version         bigint           NOT NULL, -- of the driver, from the event
    user_id         uuid,                      -- the account with which the driver signs in
    active          boolean          NOT NULL,
    profile         text             NOT NULL, -- how the driver travels
    last_at         timestamptz,               -- newest fix: its time (the device's, or ours where its clock is wrong)
    last_device_at  timestamptz,
    last_server_at  timestamptz,
    last_lat        double precision,
    last_lon        double precision,
    last_accuracy_m real,
    last_speed_m_s  real,
    last_heading_deg real,
    last_battery    real,
    stale_since     timestamptz,               -- it was told that nothing is heard; NULL while something is
    stale_count     bigint           NOT NULL DEFAULT 0, -- version of driver.location_stale events
    PRIMARY KEY (org_id, id),
    CHECK ((last_at IS NULL) = (last_lat IS NULL) AND (last_at IS NULL) = (last_lon IS NULL)
           AND (last_at IS NULL) = (last_server_at IS NULL) AND (last_at IS NULL) = (last_device_at IS NULL))
);
-- Who is calling?
CREATE INDEX drivers_by_user ON tracking.drivers (org_id, user_id) WHERE user_id IS NOT NULL;

-- Orders as the events tell, with what tracking found out about them.
CREATE TABLE tracking.orders (
    org_id            uuid        NOT NULL,
    id                uuid        NOT NULL,
    version           bigint      NOT NULL, -- of the order, from the newest event
    status            text        NOT NULL CHECK (status IN ('created', 'assigned', 'enroute_to_pickup', 'arrived_at_pickup',
                                                             'picked_up', 'enroute_to_dropoff', 'arrived_at_dropoff',
                                                             'delivered', 'failed', 'returning', 'returned', 'cancelled')),
    status_at         timestamptz NOT NULL, -- since when
    driver_id         uuid,
    attempt           integer     NOT NULL,
    called_off        boolean     NOT NULL DEFAULT false, -- also while it is on its way back
    facts             jsonb       NOT NULL, -- contracts::orders::OrderFacts: places and times, nothing about people
    code_hash         bytea       NOT NULL, -- SHA-256 of the code of the customer's page
    ended_at          timestamptz,          -- delivered, failed before pick-up, returned or cancelled
    confirmed_at      timestamptz,          -- the customer said so
    updates           bigint      NOT NULL DEFAULT 0, -- rows of the timeline; version of delivery.updated events
    eta               jsonb,                -- contracts::tracking::EtaWindow of the drop-off; NULL: unknown
    eta_at            timestamptz,          -- when it was calculated
    eta_told          timestamptz,          -- the expected time that was last published
    eta_count         bigint      NOT NULL DEFAULT 0, -- version of delivery.eta_changed events
    delayed_until     timestamptz,          -- the promise for which a delay was published
    delayed_count     bigint      NOT NULL DEFAULT 0, -- version of delivery.delayed events
    arriving_attempt  integer,              -- the attempt for which "arriving" was published
    near_stop         text        CHECK (near_stop IN ('pickup', 'dropoff')), -- the stop that near_fixes counts for
    near_fixes        smallint    NOT NULL DEFAULT 0, -- good fixes in a row at that stop
    near_at           timestamptz,          -- the newest fix that was looked at
    arrived_stop      text        CHECK (arrived_stop IN ('pickup', 'dropoff')), -- the last arrival that was noticed
    arrived_attempt   integer,              -- in this attempt
    left_stop         text        CHECK (left_stop IN ('pickup', 'dropoff')), -- the last stop that was seen to be left
    left_attempt      integer,
    PRIMARY KEY (org_id, id)
);
-- What a driver has to do: looked up with each position.
CREATE INDEX orders_of_driver ON tracking.orders (org_id, driver_id)
    WHERE driver_id IS NOT NULL AND ended_at IS NULL;
-- The public page asks before it knows the organisation.
CREATE INDEX orders_by_code ON tracking.orders (code_hash);

-- What each driver still has to do, in which order.
CREATE TABLE tracking.routes (
    org_id    uuid   NOT NULL,
    driver_id uuid   NOT NULL,
    route_id  uuid   NOT NULL,
    version   bigint NOT NULL, -- of the route, from the event
    stops     jsonb  NOT NULL, -- contracts::dispatch::RouteStop, in order
    PRIMARY KEY (org_id, driver_id)
);

-- What the customer's page says about shops. A shop is a business: nothing here is about a person.
CREATE TABLE tracking.shops (
    org_id    uuid    NOT NULL,
    id        uuid    NOT NULL,
    version   bigint  NOT NULL,
    name      text    NOT NULL,
    phone     text,
    time_zone text    NOT NULL, -- IANA: in which customers see times
    deleted   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (org_id, id)
);

------------------------------------------------------------------------------------------------------------------------
-- What tracking owns

-- The timeline of a delivery. Rows are only added.
CREATE TABLE tracking.delivery_updates (
    org_id      uuid        NOT NULL,
    order_id    uuid        NOT NULL,
    seq         bigint      NOT NULL, -- 1, 2, 3 ... per order
    id          uuid        NOT NULL,
    kind        text        NOT NULL, -- a status, or what tracking noticed (domain/timeline.rs)
    at          timestamptz NOT NULL, -- when it happened, by the clock of the device that said so
    recorded_at timestamptz NOT NULL,
    attempt     integer     NOT NULL,
    PRIMARY KEY (org_id, order_id, seq),
    FOREIGN KEY (org_id, order_id) REFERENCES tracking.orders (org_id, id)
);

-- Devices with apps that are not ours.
CREATE TABLE tracking.devices (
    org_id       uuid        NOT NULL,
    id           uuid        NOT NULL,
    driver_id    uuid        NOT NULL,
    name         text        NOT NULL, -- of the device, not of a person
    protocol     text        NOT NULL CHECK (protocol IN ('owntracks', 'traccar', 'gpslogger', 'overland')),
    secret_hash  bytea       NOT NULL, -- SHA-256; 160 random bits need no slow hash
    version      bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz,          -- when it last sent anything that could be read
    last_fix_at  timestamptz,          -- device time of its newest accepted fix
    clock_skew_s double precision,     -- device time minus ours at its newest fix; late points make it negative
    accuracy_m   real,
    battery      real,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, driver_id) REFERENCES tracking.drivers (org_id, id)
);
CREATE INDEX devices_of_driver ON tracking.devices (org_id, driver_id, id);
-- Every message asks whose it is.
CREATE INDEX devices_by_secret ON tracking.devices (secret_hash);

-- The history. One partition per UTC day of the device's time, so that the primary key alone makes duplicates impossible,
-- however late a point comes a second time; what comes more than 72 hours late is refused before. No foreign key: one look-up
-- per point would be too many, and the batch has locked the driver's row.
CREATE TABLE tracking.positions (
    org_id      uuid             NOT NULL,
    driver_id   uuid             NOT NULL,
    day         date             NOT NULL, -- of device_at
    device_at   timestamptz      NOT NULL, -- what the device said
    source      uuid             NOT NULL, -- the device or key; nil for our own app
    sequence    bigint           NOT NULL, -- the device's number, -1 where it has none; it starts again with a new installation
                                           -- and so identifies only together with the time
    at          timestamptz      NOT NULL, -- when: device_at, or server_at where the clock is ahead
    server_at   timestamptz      NOT NULL, -- when it arrived
    lat         double precision NOT NULL,
    lon         double precision NOT NULL,
    accuracy_m  real,
    speed_m_s   real,
    heading_deg real,
    altitude_m  real,
    battery     real,
    clock_ahead boolean          NOT NULL,
    PRIMARY KEY (org_id, driver_id, day, device_at, source, sequence)
) PARTITION BY RANGE (day);
-- Catches days for which no partition was made (clocks that are ahead); emptied when their partition is made.
CREATE TABLE tracking.positions_default PARTITION OF tracking.positions DEFAULT;

CREATE TABLE tracking.settings (
    org_id              uuid        NOT NULL PRIMARY KEY,
    version             bigint      NOT NULL,
    arrivals            text        NOT NULL CHECK (arrivals IN ('suggest', 'make')),
    retention_days      integer     NOT NULL CHECK (retention_days BETWEEN 1 AND 365),
    arriving_distance_m integer     NOT NULL CHECK (arriving_distance_m BETWEEN 50 AND 5000),
    show_driver         boolean     NOT NULL, -- first name and vehicle on the customer's page
    show_position       boolean     NOT NULL,
    show_phone          boolean     NOT NULL, -- the shop's
    updated_at          timestamptz NOT NULL
);

-- What customers said. One per order.
CREATE TABLE tracking.ratings (
    org_id     uuid        NOT NULL,
    order_id   uuid        NOT NULL,
    id         uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    subject    uuid        NOT NULL, -- whose key seals it: the customer, or the rating itself where nobody is known
    stars      smallint    NOT NULL CHECK (stars BETWEEN 1 AND 5),
    comment    bytea,                -- sealed
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, order_id),
    FOREIGN KEY (org_id, order_id) REFERENCES tracking.orders (org_id, id)
);

------------------------------------------------------------------------------------------------------------------------
-- Days of the history, by business time

-- Makes the partitions of the last three days (late points) and of the days to come.
CREATE FUNCTION tracking.ensure_positions(p_today date, p_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_day date;
    v_name text;
    v_made integer := 0;
BEGIN
    FOR v_day IN SELECT generate_series(p_today - 3, p_today + p_days, '1 day')::date LOOP
        v_name := 'positions_' || to_char(v_day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('tracking.' || v_name) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtextextended('tracking.positions', 0));
        CONTINUE WHEN to_regclass('tracking.' || v_name) IS NOT NULL;
        EXECUTE format('CREATE TABLE tracking.%I (LIKE tracking.positions INCLUDING ALL)', v_name);
        EXECUTE format('ALTER TABLE tracking.%I ENABLE ROW LEVEL SECURITY', v_name);
        EXECUTE format('ALTER TABLE tracking.%I FORCE ROW LEVEL SECURITY', v_name);
        EXECUTE format('CREATE POLICY owner ON tracking.%I TO dropmate_owner USING (true) WITH CHECK (true)', v_name);
        EXECUTE format('WITH moved AS (DELETE FROM tracking.positions_default WHERE day = %L RETURNING *) '
                       'INSERT INTO tracking.%I SELECT * FROM moved', v_day, v_name);
        EXECUTE format('ALTER TABLE tracking.positions ATTACH PARTITION tracking.%I FOR VALUES FROM (%L) TO (%L)',
                       v_name, v_day, v_day + 1);
        v_made := v_made + 1;
    END LOOP;
    RETURN v_made;
END $$;

-- Removes what is older than each organisation keeps it (30 days where nothing was set): whole days that nobody keeps, and
-- the rows of those who keep less. A day longer than asked, because the rows of a day are of several time zones.
CREATE FUNCTION tracking.drop_positions(p_today date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_name text;
    v_keep integer := greatest(30, (SELECT max(retention_days) FROM tracking.settings));
    v_dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tracking.positions', 0));
    FOR v_name IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                   WHERE i.inhparent = 'tracking.positions'::regclass AND c.relname ~ '^positions_[0-9]{8}$'
                     AND substr(c.relname, 11)::date < p_today - v_keep - 1 ORDER BY 1 LOOP
        EXECUTE format('DROP TABLE tracking.%I', v_name);
        v_dropped := v_dropped + 1;
    END LOOP;
    DELETE FROM tracking.positions p USING tracking.settings s
     WHERE s.org_id = p.org_id AND s.retention_days < v_keep AND p.day < p_today - s.retention_days - 1;
    -- Where a driver was last seen is a position as well.
    UPDATE tracking.drivers d
       SET last_at = NULL, last_device_at = NULL, last_server_at = NULL, last_lat = NULL, last_lon = NULL,
           last_accuracy_m = NULL, last_speed_m_s = NULL, last_heading_deg = NULL, last_battery = NULL
     WHERE d.last_server_at < p_today - 1 - coalesce(
               (SELECT s.retention_days FROM tracking.settings s WHERE s.org_id = d.org_id), 30);
    DELETE FROM tracking.positions p
     WHERE v_keep > 30 AND p.day < p_today - 31
       AND NOT EXISTS (SELECT FROM tracking.settings s WHERE s.org_id = p.org_id);
    RETURN v_dropped;
END $$;

------------------------------------------------------------------------------------------------------------------------
-- Named functions for the questions that are asked before an organisation is known

-- Whose device this is.
CREATE FUNCTION tracking.find_device(p_hash bytea)
RETURNS TABLE (org_id uuid, id uuid, driver_id uuid, protocol text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT d.org_id, d.id, d.driver_id, d.protocol FROM tracking.devices d WHERE d.secret_hash = p_hash LIMIT 1
$$;

-- Whose page this is. Codes have 60 random bits; should two ever be equal, the newer order has it.
CREATE FUNCTION tracking.find_order(p_hash bytea) RETURNS TABLE (org_id uuid, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT o.org_id, o.id FROM tracking.orders o WHERE o.code_hash = p_hash ORDER BY o.id DESC LIMIT 1
$$;

-- Drivers who carry an order or are on their way with one and were not heard of since `p_before`, and of whom this was not
-- told. A driver who has just set out has been silent only since then.
CREATE FUNCTION tracking.silent_drivers(p_before timestamptz) RETURNS TABLE (org_id uuid, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT d.org_id, d.id
      FROM tracking.drivers d
      JOIN LATERAL (SELECT min(o.status_at) AS since FROM tracking.orders o
                     WHERE o.org_id = d.org_id AND o.driver_id = d.id AND o.ended_at IS NULL
                       AND o.status IN ('enroute_to_pickup', 'picked_up', 'enroute_to_dropoff', 'arrived_at_dropoff',
                                        'returning')) busy ON busy.since IS NOT NULL
     WHERE d.stale_since IS NULL AND greatest(d.last_server_at, busy.since) < p_before
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tracking FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tracking.ensure_positions(date, integer), tracking.drop_positions(date),
    tracking.find_device(bytea), tracking.find_order(bytea), tracking.silent_drivers(timestamptz) TO dropmate_tracking;

SELECT platform.protect_tenant(t::regclass, 'tracking')
  FROM unnest(ARRAY['tracking.drivers', 'tracking.orders', 'tracking.routes', 'tracking.shops', 'tracking.delivery_updates',
                    'tracking.devices', 'tracking.positions', 'tracking.positions_default', 'tracking.settings',
                    'tracking.ratings']) t;
