-- Where doors are: learned from where couriers stood when they handed over.

-- Where the courier was at a hand-over, and the place of the address that was said.
CREATE TABLE tracking.handovers (
    org_id      uuid             NOT NULL,
    order_id    uuid             NOT NULL,
    at          timestamptz      NOT NULL, -- when proof was captured, or it was said to be delivered
    lat         double precision NOT NULL,
    lon         double precision NOT NULL,
    accuracy_m  real             NOT NULL,
    address_lat double precision NOT NULL, -- the drop-off of the order
    address_lon double precision NOT NULL,
    PRIMARY KEY (org_id, order_id),
    FOREIGN KEY (org_id, order_id) REFERENCES tracking.orders (org_id, id)
);
-- What is too old, of all organisations.
CREATE INDEX handovers_by_age ON tracking.handovers (at);

-- Doors, all of an organisation made anew every night.
CREATE TABLE tracking.doors (
    org_id      uuid             NOT NULL,
    number      integer          NOT NULL, -- 1, 2, 3 ... within what was learned at once
    learned_at  timestamptz      NOT NULL, -- the same for all
    street      text             NOT NULL, -- as the map writes it
    house       text             NOT NULL, -- the house number
    address_lat double precision NOT NULL, -- where the map has the address
    address_lon double precision NOT NULL,
    lat         double precision NOT NULL, -- where the door is
    lon         double precision NOT NULL,
    spread_m    real             NOT NULL, -- half of the positions lie within so many metres
    positions   integer          NOT NULL, -- that agree
    PRIMARY KEY (org_id, number)
);

-- Removes hand-overs that doors are not learned from any more; how many.
CREATE FUNCTION tracking.drop_handovers(p_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM tracking.handovers WHERE at < p_before RETURNING 1) SELECT count(*) FROM gone
$$;

REVOKE ALL ON FUNCTION tracking.drop_handovers(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tracking.drop_handovers(timestamptz) TO dropmate_tracking;

SELECT platform.protect_tenant(t::regclass, 'tracking') FROM unnest(ARRAY['tracking.handovers', 'tracking.doors']) t;
