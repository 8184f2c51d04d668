-- Schema `dispatch`: what is open, who is asked, and who makes which stops. Orders, drivers and zones are read models that
-- are made from events; what dispatch owns are policies, decisions, offers and routes. Nothing here is about customers.

-- What an organisation wants of dispatch, and who looks after its queue at the moment. One row per organisation, made
-- with the first look at it.
CREATE TABLE dispatch.policies (
    org_id      uuid        NOT NULL PRIMARY KEY,
    version     bigint      NOT NULL DEFAULT 1,
    strategy    text        NOT NULL CHECK (strategy IN ('manual', 'nearest', 'broadcast')),
    offers      boolean     NOT NULL,           -- drivers are asked instead of told
    max_orders  integer     NOT NULL CHECK (max_orders BETWEEN 1 AND 100),
    radius_m    integer     CHECK (radius_m > 0),
    wait_s      integer     NOT NULL CHECK (wait_s >= 0),
    lead_s      integer     NOT NULL CHECK (lead_s >= 0),
    offer_s     integer     NOT NULL CHECK (offer_s > 0),
    breadth     integer     NOT NULL CHECK (breadth BETWEEN 1 AND 100),
    rounds      integer     NOT NULL CHECK (rounds BETWEEN 1 AND 10),
    escalation  text        NOT NULL CHECK (escalation IN ('ask_human', 'assign_nearest')),
    updated_at  timestamptz NOT NULL,
    -- The fenced lease of the reconciler: each holder has a higher number, and writes only while it is the highest.
    fence       bigint      NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity' -- machine time, like every lease
);

-- Orders that are not over, as far as dispatch cares.
CREATE TABLE dispatch.orders (
    org_id        uuid        NOT NULL,
    order_id      uuid        NOT NULL,
    version       bigint      NOT NULL, -- of the order; an older event changes nothing
    status        text        NOT NULL,
    driver_id     uuid,               -- who has it, or is about to get it (`proposed`)
    attempt       integer     NOT NULL,
    facts         jsonb       NOT NULL, -- contracts::orders::OrderFacts
    -- `waiting`: somebody should be found; `offered`: drivers are asked; `proposed`: orders is being told;
    -- `stuck`: a person has to decide; `taken`: a driver has it, or it is over
    state         text        NOT NULL CHECK (state IN ('waiting', 'offered', 'proposed', 'stuck', 'taken')),
    round         integer     NOT NULL DEFAULT 0, -- how many rounds of asking there were
    look_at       timestamptz NOT NULL,           -- not looked at before
    waiting_since timestamptz NOT NULL,
    decision_id   uuid,                           -- the last decision about it
    proposals     bigint      NOT NULL DEFAULT 0, -- how often somebody was decided for: the version of such events
    PRIMARY KEY (org_id, order_id)
);
-- The queue, and what is due in it.
CREATE INDEX orders_queue ON dispatch.orders (org_id, state, look_at) WHERE state <> 'taken';
-- What a driver has.
CREATE INDEX orders_by_driver ON dispatch.orders (org_id, driver_id) WHERE driver_id IS NOT NULL;

CREATE TABLE dispatch.drivers (
    org_id       uuid        NOT NULL,
    driver_id    uuid        NOT NULL,
    version      bigint      NOT NULL, -- of the driver; an older event changes nothing
    user_id      uuid,
    facts        jsonb       NOT NULL, -- contracts::drivers::DriverFacts
    availability text        NOT NULL CHECK (availability IN ('off_duty', 'available', 'busy', 'on_break')),
    PRIMARY KEY (org_id, driver_id)
);
-- Who is it that is signed in.
CREATE UNIQUE INDEX drivers_by_user ON dispatch.drivers (org_id, user_id) WHERE user_id IS NOT NULL;

-- Only who delivers there: the area is not needed here.
CREATE TABLE dispatch.zones (
    org_id  uuid   NOT NULL,
    zone_id uuid   NOT NULL,
    version bigint NOT NULL,
    pool    uuid[] NOT NULL, -- empty: everybody
    PRIMARY KEY (org_id, zone_id)
);

-- What was decided, from what, and why: enough to decide again.
CREATE TABLE dispatch.decisions (
    org_id    uuid        NOT NULL,
    id        uuid        NOT NULL,
    at        timestamptz NOT NULL,
    strategy  text        NOT NULL,
    by_actor  text        NOT NULL, -- `system`, or the person who decided
    snapshot  jsonb       NOT NULL, -- domain::snapshot::Snapshot
    proposals jsonb       NOT NULL, -- domain::strategy::Proposal, one for each order
    PRIMARY KEY (org_id, id)
);
-- The purge.
CREATE INDEX decisions_by_age ON dispatch.decisions (at);

-- Which decisions were about an order.
CREATE TABLE dispatch.decision_orders (
    org_id      uuid NOT NULL,
    order_id    uuid NOT NULL,
    decision_id uuid NOT NULL,
    PRIMARY KEY (org_id, order_id, decision_id),
    FOREIGN KEY (org_id, decision_id) REFERENCES dispatch.decisions (org_id, id) ON DELETE CASCADE
);

CREATE TABLE dispatch.offers (
    org_id      uuid        NOT NULL,
    id          uuid        NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    order_id    uuid        NOT NULL,
    attempt     integer     NOT NULL,
    driver_id   uuid        NOT NULL,
    decision_id uuid        NOT NULL,
    -- `withdrawn`: somebody else was first, or the order is not open any more
    state       text        NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'expired', 'withdrawn')),
    reason      text        CHECK (reason IN ('too_far', 'too_heavy', 'end_of_shift', 'vehicle', 'other')),
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    answered_at timestamptz,
    PRIMARY KEY (org_id, id)
);
-- A driver is asked once at a time about one order.
CREATE UNIQUE INDEX offers_open ON dispatch.offers (org_id, order_id, driver_id) WHERE state = 'open';
CREATE INDEX offers_by_driver ON dispatch.offers (org_id, driver_id, id);
-- Who declined or did not answer is not asked again for the same attempt.
CREATE INDEX offers_refused ON dispatch.offers (org_id, order_id, attempt) WHERE state IN ('declined', 'expired');

-- One route per driver: the stops that are still to be made.
CREATE TABLE dispatch.routes (
    org_id     uuid        NOT NULL,
    id         uuid        NOT NULL,
    driver_id  uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX routes_by_driver ON dispatch.routes (org_id, driver_id);

CREATE TABLE dispatch.stops (
    org_id   uuid    NOT NULL,
    id       uuid    NOT NULL,
    route_id uuid    NOT NULL,
    order_id uuid    NOT NULL,
    kind     text    NOT NULL CHECK (kind IN ('pickup', 'dropoff', 'return')),
    place    integer NOT NULL CHECK (place >= 0), -- counted from 0
    locked   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, route_id) REFERENCES dispatch.routes (org_id, id) ON DELETE CASCADE
);
-- Each end of an order is one stop of one route.
CREATE UNIQUE INDEX stops_by_order ON dispatch.stops (org_id, order_id, kind);
CREATE INDEX stops_by_route ON dispatch.stops (org_id, route_id, place);

------------------------------------------------------------------------------------------------------------------------
-- Two questions over all organisations: whose queue is due, and how long the queues are.

CREATE FUNCTION dispatch.organizations_due(p_now timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT DISTINCT org_id FROM dispatch.orders WHERE state = 'waiting' AND look_at <= p_now
$$;

CREATE FUNCTION dispatch.queue(p_now timestamptz)
RETURNS TABLE (state text, orders bigint, oldest_s double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT o.state, count(*), max(extract(epoch FROM p_now - greatest(o.waiting_since, least(o.look_at, p_now))))::float8
      FROM dispatch.orders o WHERE o.state <> 'taken' GROUP BY o.state
$$;

-- Decisions are kept for so long; how many were removed.
CREATE FUNCTION dispatch.purge(p_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM dispatch.decisions WHERE at < p_before RETURNING 1) SELECT count(*) FROM gone
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dispatch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dispatch.organizations_due(timestamptz), dispatch.queue(timestamptz), dispatch.purge(timestamptz)
   TO dropmate_dispatch;

SELECT platform.protect_tenant(t::regclass, 'dispatch')
  FROM unnest(ARRAY['dispatch.policies', 'dispatch.orders', 'dispatch.drivers', 'dispatch.zones', 'dispatch.decisions',
                    'dispatch.decision_orders', 'dispatch.offers', 'dispatch.routes', 'dispatch.stops']) t;
