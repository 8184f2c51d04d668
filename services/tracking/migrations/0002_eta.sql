-- How long things really take: every prediction with what happened, what each way was said to take, what was learned from both.
-- Nothing here names a person; drivers are numbers.

-- What somebody was told about a drop-off: a row each time that `delivery.eta_changed` is published.
CREATE TABLE tracking.eta_predictions (
    org_id        uuid             NOT NULL,
    order_id      uuid             NOT NULL,
    number        bigint           NOT NULL, -- eta_count of the order
    attempt       integer          NOT NULL,
    driver_id     uuid             NOT NULL,
    shop_id       uuid,
    made_at       timestamptz      NOT NULL,
    minute        smallint         NOT NULL CHECK (minute BETWEEN 0 AND 1439), -- of the day, by the wall clock of the shop
    weekend       boolean          NOT NULL, -- there
    source        text             NOT NULL, -- of the travel times
    parts_s       double precision NOT NULL, -- what ways, stops and waiting add up to, before any correction
    stops_before  integer          NOT NULL,
    distance_m    double precision NOT NULL,
    before_pickup boolean          NOT NULL,
    shift         double precision NOT NULL, -- the factor of the driver's shift at that moment
    expected_at   timestamptz      NOT NULL,
    earliest_at   timestamptz      NOT NULL,
    latest_at     timestamptz      NOT NULL,
    probability   real             NOT NULL, -- how often the window should hold
    calibrated    boolean          NOT NULL, -- whether that was measured; otherwise it is a rule of thumb
    happened_at   timestamptz,               -- when the courier was at the door; NULL: not yet, or never
    PRIMARY KEY (org_id, order_id, number),
    FOREIGN KEY (org_id, order_id) REFERENCES tracking.orders (org_id, id)
);
-- Accuracy of a period; training.
CREATE INDEX eta_predictions_by_time ON tracking.eta_predictions (org_id, made_at);
-- What is too old, of all organisations.
CREATE INDEX eta_predictions_by_age ON tracking.eta_predictions (made_at);

-- What a way was said to take when the courier set out, and when it ended.
CREATE TABLE tracking.eta_legs (
    org_id     uuid             NOT NULL,
    order_id   uuid             NOT NULL,
    attempt    integer          NOT NULL,
    stop       text             NOT NULL CHECK (stop IN ('pickup', 'dropoff')), -- where it leads
    driver_id  uuid             NOT NULL,
    shop_id    uuid,
    source     text             NOT NULL, -- of the travel times, and the profile: roads/bicycle
    begun_at   timestamptz      NOT NULL, -- time of the position from which it was measured
    hour       smallint         NOT NULL CHECK (hour BETWEEN 0 AND 23), -- by the wall clock of the shop
    said_s     double precision NOT NULL, -- by the source
    class_s    double precision[],        -- the same by class of road, turns last; NULL: the source does not say
    expected_s double precision NOT NULL, -- after what was learned
    distance_m double precision NOT NULL,
    ended_at   timestamptz,               -- arrival
    PRIMARY KEY (org_id, order_id, attempt, stop),
    FOREIGN KEY (org_id, order_id) REFERENCES tracking.orders (org_id, id)
);
CREATE INDEX eta_legs_by_time ON tracking.eta_legs (org_id, begun_at);
CREATE INDEX eta_legs_by_age ON tracking.eta_legs (begun_at);

-- How the driver does today: the errors of a shift, of which the last count most. Six hours without an arrival begin anew.
CREATE TABLE tracking.eta_shifts (
    org_id      uuid        NOT NULL,
    driver_id   uuid        NOT NULL,
    shift       jsonb       NOT NULL, -- eta::shift::Shift
    observed_at timestamptz NOT NULL, -- the last arrival
    PRIMARY KEY (org_id, driver_id)
);

-- What was learned from finished deliveries, last night.
CREATE TABLE tracking.eta_models (
    org_id        uuid        NOT NULL PRIMARY KEY,
    trained_at    timestamptz NOT NULL,
    deliveries    integer     NOT NULL, -- finished ones that it stands on
    calibrated_on integer     NOT NULL, -- predictions that its windows stand on; 0: they are a rule of thumb
    model         jsonb       NOT NULL  -- eta::Model
);

-- Organisations in which something was delivered since.
CREATE FUNCTION tracking.orgs_with_arrivals(p_since timestamptz) RETURNS TABLE (org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT DISTINCT l.org_id FROM tracking.eta_legs l WHERE l.begun_at >= p_since
$$;

-- Removes what nothing is learned from any more; how many rows.
CREATE FUNCTION tracking.drop_predictions(p_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH predictions AS (DELETE FROM tracking.eta_predictions WHERE made_at < p_before RETURNING 1),
         legs AS (DELETE FROM tracking.eta_legs WHERE begun_at < p_before RETURNING 1)
    SELECT (SELECT count(*) FROM predictions) + (SELECT count(*) FROM legs)
$$;

REVOKE ALL ON FUNCTION tracking.orgs_with_arrivals(timestamptz), tracking.drop_predictions(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tracking.orgs_with_arrivals(timestamptz), tracking.drop_predictions(timestamptz)
    TO dropmate_tracking;

SELECT platform.protect_tenant(t::regclass, 'tracking')
  FROM unnest(ARRAY['tracking.eta_predictions', 'tracking.eta_legs', 'tracking.eta_shifts', 'tracking.eta_models']) t;
