-- Schema `drivers`: who delivers, with what, when, and whether they take orders now. What people say about themselves
-- (names, numbers, notes, numbers of documents) is sealed with a key per driver; equality search goes through keyed hashes.

CREATE TABLE drivers.vehicles (
    org_id      uuid        NOT NULL,
    id          uuid        NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    profile     text        NOT NULL CHECK (profile IN ('car', 'motorcycle', 'bicycle', 'cargo_bike', 'foot')),
    description text,       -- what it looks like; customers see it
    plate       text,       -- customers see it
    weight_g    bigint      CHECK (weight_g >= 0),  -- NULL: this measure does not limit, here and below
    volume_ml   bigint      CHECK (volume_ml >= 0),
    count       bigint      CHECK (count >= 0),     -- pieces
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE drivers.drivers (
    org_id              uuid             NOT NULL,
    id                  uuid             NOT NULL,
    version             bigint           NOT NULL DEFAULT 1,
    user_id             uuid,            -- the account; NULL: a driver who does not sign in
    name                bytea,           -- sealed; NULL until identity has told it
    phone               bytea,           -- sealed
    phone_index         bytea,           -- keyed hash of the number in E.164
    notes               bytea,           -- sealed; for managers
    vehicle_id          uuid,            -- NULL: on foot
    skills              text[]           NOT NULL,
    home_lat            double precision, -- where the day begins
    home_lon            double precision,
    active              boolean          NOT NULL, -- works here
    follows_shifts      boolean          NOT NULL, -- is asked only during shifts
    documents_lapsed    boolean          NOT NULL DEFAULT false, -- was taken off duty because a required document ran out
    availability        text             NOT NULL DEFAULT 'off_duty'
                        CHECK (availability IN ('off_duty', 'available', 'busy', 'on_break')),
    availability_since  timestamptz      NOT NULL, -- device time of the change
    tapped_at           timestamptz      NOT NULL, -- newest device time that was told: an older tap changes nothing
    stars               bigint           NOT NULL DEFAULT 0, -- the sum over all ratings
    ratings             bigint           NOT NULL DEFAULT 0, -- how many
    created_at          timestamptz      NOT NULL,
    updated_at          timestamptz      NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, vehicle_id) REFERENCES drivers.vehicles (org_id, id),
    CHECK ((phone IS NULL) = (phone_index IS NULL)),
    CHECK ((home_lat IS NULL) = (home_lon IS NULL)),
    CHECK (active OR availability = 'off_duty')
);
-- One profile per account and organisation: what makes onboarding repeatable.
CREATE UNIQUE INDEX drivers_by_user ON drivers.drivers (org_id, user_id) WHERE user_id IS NOT NULL;
-- Whose number is calling.
CREATE INDEX drivers_by_phone ON drivers.drivers (org_id, phone_index) WHERE phone_index IS NOT NULL;
-- Who drives a vehicle, before it changes or goes.
CREATE INDEX drivers_by_vehicle ON drivers.drivers (org_id, vehicle_id) WHERE vehicle_id IS NOT NULL;

CREATE TABLE drivers.shifts (
    org_id     uuid        NOT NULL,
    id         uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    driver_id  uuid        NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    breaks     jsonb       NOT NULL, -- [[begin, end], ...], earliest first
    announced  boolean     NOT NULL DEFAULT false, -- an event has told it: events carry the next seven days only
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, driver_id) REFERENCES drivers.drivers (org_id, id),
    CHECK (starts_at < ends_at)
);
-- The shifts of a driver: overlaps (under the driver's row lock), and what events carry.
CREATE INDEX shifts_by_driver ON drivers.shifts (org_id, driver_id, ends_at);
-- The list.
CREATE INDEX shifts_by_time ON drivers.shifts (org_id, starts_at, id);
-- The daily look for what comes within a week.
CREATE INDEX shifts_to_announce ON drivers.shifts (starts_at) WHERE NOT announced;

CREATE TABLE drivers.documents (
    org_id     uuid        NOT NULL,
    id         uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    driver_id  uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('driving_licence', 'identity', 'insurance', 'health', 'other')),
    number     bytea,      -- sealed with the driver's key
    expires_on date,       -- the last day on which it is good, in UTC; NULL: for ever
    required   boolean     NOT NULL, -- without it the driver does not work
    photo      uuid,       -- a file, sealed with the driver's key
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, driver_id) REFERENCES drivers.drivers (org_id, id)
);
-- The documents of a driver.
CREATE INDEX documents_by_driver ON drivers.documents (org_id, driver_id, id);
-- The daily look for what ran out.
CREATE INDEX documents_by_expiry ON drivers.documents (expires_on) WHERE required;

-- What a driver said and when, taken or not. Written once.
CREATE TABLE drivers.availability_changes (
    org_id      uuid        NOT NULL,
    id          uuid        NOT NULL,
    driver_id   uuid        NOT NULL,
    from_word   text        NOT NULL, -- what held when it arrived
    to_word     text        NOT NULL, -- what was said
    at          timestamptz NOT NULL, -- by the device's clock
    recorded_at timestamptz NOT NULL, -- by ours
    taken       boolean     NOT NULL, -- false: it came after a newer one
    actor       text        NOT NULL, -- who said it
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, driver_id) REFERENCES drivers.drivers (org_id, id)
);
-- The history of a driver.
CREATE INDEX availability_changes_by_driver ON drivers.availability_changes (org_id, driver_id, at);

-- Stars of customers, one rating per order.
CREATE TABLE drivers.ratings (
    org_id     uuid        NOT NULL,
    order_id   uuid        NOT NULL,
    driver_id  uuid        NOT NULL,
    stars      smallint    NOT NULL CHECK (stars BETWEEN 1 AND 5),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, order_id),
    FOREIGN KEY (org_id, driver_id) REFERENCES drivers.drivers (org_id, id)
);
-- Where a driver's row is referenced.
CREATE INDEX ratings_by_driver ON drivers.ratings (org_id, driver_id);

-- Drivers of all organisations about whom others must be told without anybody having done anything: a required document
-- ran out before this day, or a shift has come closer than this moment. The daily look knows of no organisation.
CREATE FUNCTION drivers.due(p_today date, p_now timestamptz, p_until timestamptz)
RETURNS TABLE (org_id uuid, driver_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT d.org_id, d.id FROM drivers.drivers d
     WHERE NOT d.documents_lapsed
       AND EXISTS (SELECT FROM drivers.documents o
                    WHERE o.org_id = d.org_id AND o.driver_id = d.id AND o.required AND o.expires_on < p_today)
    UNION
    SELECT s.org_id, s.driver_id FROM drivers.shifts s
     WHERE NOT s.announced AND s.starts_at < p_until AND s.ends_at > p_now
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA drivers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drivers.due(date, timestamptz, timestamptz) TO dropmate_drivers;

SELECT platform.protect_tenant(t::regclass, 'drivers')
  FROM unnest(ARRAY['drivers.vehicles', 'drivers.drivers', 'drivers.shifts', 'drivers.documents',
                    'drivers.availability_changes', 'drivers.ratings']) t;
