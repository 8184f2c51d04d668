-- Schema `storefront`: where orders come from, where they may go, and what that costs. Nothing here is about a person: a
-- shop is a business, and a place to deliver to is a position without a name.

CREATE TABLE storefront.shops (
    org_id              uuid             NOT NULL,
    id                  uuid             NOT NULL,
    version             bigint           NOT NULL DEFAULT 1,
    name                text             NOT NULL,
    number_prefix       text             NOT NULL CHECK (number_prefix ~ '^[A-Z]{1,3}$'), -- the A of order A-042
    street              text             NOT NULL, -- with the house number
    postcode            text             NOT NULL,
    city                text             NOT NULL,
    country             text             NOT NULL CHECK (country ~ '^[A-Z]{2}$'),         -- ISO 3166-1 alpha-2
    lat                 double precision,          -- degrees north, WGS 84
    lon                 double precision,          -- degrees east
    phone               text,                      -- E.164, of the business
    time_zone           text             NOT NULL, -- IANA
    currency            text             NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),        -- ISO 4217
    opening_hours       jsonb,                     -- by weekday and by date, in the shop's zone; NULL: always open
    preparation_minutes integer          NOT NULL CHECK (preparation_minutes >= 0), -- until an order is ready
    service_minutes     integer          NOT NULL CHECK (service_minutes >= 0),     -- picking it up
    created_at          timestamptz      NOT NULL,
    updated_at          timestamptz      NOT NULL,
    deleted_at          timestamptz,               -- a deleted shop stays: orders name it
    PRIMARY KEY (org_id, id),
    CHECK ((lat IS NULL) = (lon IS NULL))
);
-- The list.
CREATE INDEX shops_current ON storefront.shops (org_id, id) WHERE deleted_at IS NULL;

CREATE TABLE storefront.zones (
    org_id        uuid        NOT NULL,
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    name          text        NOT NULL,
    shop_id       uuid,                 -- NULL: for all shops of the organisation
    area          jsonb       NOT NULL, -- corners, [{"lat", "lon"}, ...], not closed
    fee_minor     bigint      NOT NULL CHECK (fee_minor >= 0),
    minimum_minor bigint      CHECK (minimum_minor >= 0), -- the least value of an order; NULL: any
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), -- of both
    pool          uuid[]      NOT NULL, -- the drivers of the zone; empty: everybody
    rank          smallint    NOT NULL, -- where zones overlap, the highest counts
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, shop_id) REFERENCES storefront.shops (org_id, id)
);
-- The zones of a shop: its list, its quotes, and its end.
CREATE INDEX zones_by_shop ON storefront.zones (org_id, shop_id, id);

-- What was promised, as long as somebody may ask. Written once.
CREATE TABLE storefront.quotes (
    org_id       uuid             NOT NULL,
    id           uuid             NOT NULL,
    shop_id      uuid,
    zone_id      uuid,                      -- NULL: the organisation has no zones. Not a foreign key: zones go
    pickup_lat   double precision NOT NULL,
    pickup_lon   double precision NOT NULL,
    dropoff_lat  double precision NOT NULL,
    dropoff_lon  double precision NOT NULL,
    value_minor  bigint,
    fee_minor    bigint,
    currency     text,
    earliest     timestamptz      NOT NULL,
    expected     timestamptz      NOT NULL,
    latest       timestamptz      NOT NULL,
    probability  double precision NOT NULL, -- that the delivery falls into the window
    source       text             NOT NULL, -- of the travel time
    distance_m   integer          NOT NULL,
    duration_s   integer          NOT NULL, -- of the way alone
    created_at   timestamptz      NOT NULL,
    valid_until  timestamptz      NOT NULL,
    PRIMARY KEY (org_id, id),
    CHECK ((fee_minor IS NULL) = (currency IS NULL)),
    CHECK (earliest <= expected AND expected <= latest)
);
-- The purge.
CREATE INDEX quotes_by_end ON storefront.quotes (valid_until);

-- Removes quotes of all organisations that ended before a moment: the purge knows of no organisation.
CREATE FUNCTION storefront.purge_quotes(p_before timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH gone AS (DELETE FROM storefront.quotes WHERE valid_until < p_before RETURNING 1)
    SELECT count(*) FROM gone
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA storefront FROM PUBLIC;
GRANT EXECUTE ON FUNCTION storefront.purge_quotes(timestamptz) TO dropmate_storefront;

SELECT platform.protect_tenant(t::regclass, 'storefront')
  FROM unnest(ARRAY['storefront.shops', 'storefront.zones', 'storefront.quotes']) t;
