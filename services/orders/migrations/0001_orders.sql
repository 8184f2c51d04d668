-- Schema `orders`: what is delivered, who has it, where it stands, and what proves it. What is about people (names, phones,
-- door details, notes, what was captured) is sealed with a key per stop, or the customer's key where one is named; it is
-- found through keyed hashes in `orders.terms`. Street, postcode, city and position are plain.

------------------------------------------------------------------------------------------------------------------------
-- Read models of storefront: rebuilt from its events.

CREATE TABLE orders.shops (
    org_id  uuid    NOT NULL,
    id      uuid    NOT NULL,
    version bigint  NOT NULL, -- of the event that was heard last: an older one changes nothing
    facts   jsonb   NOT NULL, -- contracts::storefront::ShopFacts
    deleted boolean NOT NULL DEFAULT false, -- takes no new orders; those that it has go on
    PRIMARY KEY (org_id, id)
);

CREATE TABLE orders.zones (
    org_id  uuid     NOT NULL,
    id      uuid     NOT NULL,
    version bigint   NOT NULL,
    shop_id uuid,              -- NULL: for all shops
    rank    smallint NOT NULL, -- of several that contain a place, the highest counts
    area    jsonb    NOT NULL, -- kernel::geo::Polygon
    -- The box around the area: what lies outside needs no look at the corners.
    south   float8   NOT NULL,
    north   float8   NOT NULL,
    west    float8   NOT NULL,
    east    float8   NOT NULL,
    deleted boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (org_id, id)
);

------------------------------------------------------------------------------------------------------------------------
-- Numbers of a day: one row per letters and day, locked while a number is taken, so that none is given twice or skipped.

CREATE TABLE orders.counters (
    org_id uuid    NOT NULL,
    prefix text    NOT NULL,
    day    date    NOT NULL, -- in the shop's time zone
    last   integer NOT NULL,
    PRIMARY KEY (org_id, prefix, day)
);

------------------------------------------------------------------------------------------------------------------------
-- Orders.

CREATE TABLE orders.orders (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    version        bigint      NOT NULL DEFAULT 1,
    number         text        NOT NULL, -- A-042
    day            date        NOT NULL, -- the day that the number counts on
    tracking_code  text        NOT NULL,
    source         text        NOT NULL CHECK (source IN ('api', 'import', 'recurrence', 'duplicate', 'package', 'checkout')),
    shop_id        uuid,
    customer_id    uuid,
    zone_id        uuid,
    created_by     text        NOT NULL, -- the caller's label: a customer sees the orders that they placed
    reference      text,                 -- what an outside system calls it
    -- Movement, decided by domain/status.rs.
    status         text        NOT NULL CHECK (status IN ('created', 'assigned', 'enroute_to_pickup', 'arrived_at_pickup',
                       'picked_up', 'enroute_to_dropoff', 'arrived_at_dropoff', 'delivered', 'failed', 'returning',
                       'returned', 'cancelled')),
    driver_id      uuid,
    attempt        smallint    NOT NULL DEFAULT 1 CHECK (attempt > 0),
    picked_up      boolean     NOT NULL DEFAULT false, -- the goods are with the driver, or were
    preparation    text        NOT NULL CHECK (preparation IN ('none', 'pending', 'accepted', 'preparing', 'ready', 'rejected')),
    outcome        text,
    failure_reason text,
    blame          text        CHECK (blame IN ('carrier', 'merchant', 'recipient', 'weather', 'other')),
    -- What it takes.
    ready_at       timestamptz,
    weight_g       bigint      NOT NULL,
    volume_ml      bigint      NOT NULL,
    count          bigint      NOT NULL,
    priority       smallint    NOT NULL DEFAULT 0, -- higher goes first
    skills         text[]      NOT NULL DEFAULT '{}',
    cash_minor     bigint,                          -- to collect at the door
    cash_currency  text        CHECK (cash_currency ~ '^[A-Z]{3}$'),
    tags           text[]      NOT NULL DEFAULT '{}',
    metadata       jsonb       NOT NULL DEFAULT '{}', -- an object of texts, numbers and booleans
    proof          jsonb       NOT NULL DEFAULT '{}', -- domain::proof::Requirements
    placed_at      timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CHECK ((cash_minor IS NULL) = (cash_currency IS NULL)),
    CHECK (status <> 'created' OR driver_id IS NULL),
    CHECK (status IN ('created', 'cancelled') OR driver_id IS NOT NULL)
);
-- The list, newest first, and by what people look for.
CREATE INDEX orders_by_place ON orders.orders (org_id, placed_at, id);
CREATE INDEX orders_by_status ON orders.orders (org_id, status, placed_at, id);
CREATE INDEX orders_by_driver ON orders.orders (org_id, driver_id, placed_at, id) WHERE driver_id IS NOT NULL;
CREATE INDEX orders_by_shop ON orders.orders (org_id, shop_id, placed_at, id) WHERE shop_id IS NOT NULL;
CREATE INDEX orders_by_customer ON orders.orders (org_id, customer_id, placed_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_by_creator ON orders.orders (org_id, created_by, placed_at, id);
CREATE UNIQUE INDEX orders_by_number ON orders.orders (org_id, number, day);
CREATE UNIQUE INDEX orders_by_tracking_code ON orders.orders (org_id, tracking_code);

-- The two ends of an order.
CREATE TABLE orders.stops (
    org_id       uuid    NOT NULL,
    id           uuid    NOT NULL,
    order_id     uuid    NOT NULL,
    kind         text    NOT NULL CHECK (kind IN ('pickup', 'dropoff')),
    subject_id   uuid    NOT NULL, -- whose key seals the sealed columns: one of this stop, or the customer's
    street       text    NOT NULL,
    -- Lower case, without signs: what a search compares with. "C" so that a prefix is a range, which row security allows.
    street_plain text    NOT NULL COLLATE "C",
    postcode     text    NOT NULL,
    city         text    NOT NULL,
    city_plain   text    NOT NULL COLLATE "C",
    country      text,             -- ISO 3166-1 alpha-2
    lat          float8,
    lon          float8,
    name         bytea,            -- sealed
    phone        bytea,            -- sealed
    door         bytea,            -- sealed: floor, code, bell
    notes        bytea,            -- sealed
    not_before   timestamptz,
    not_after    timestamptz,
    service_s    integer NOT NULL CHECK (service_s >= 0),
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, order_id) REFERENCES orders.orders (org_id, id),
    CHECK ((lat IS NULL) = (lon IS NULL))
);
CREATE UNIQUE INDEX stops_by_order ON orders.stops (org_id, order_id, kind);
CREATE INDEX stops_by_street ON orders.stops (org_id, street_plain);
CREATE INDEX stops_by_city ON orders.stops (org_id, city_plain);

-- What an order is found by. One table with plain equality: operators on arrays and JSON are not leakproof, and row
-- security keeps their indexes from being used.
CREATE TABLE orders.terms (
    org_id   uuid NOT NULL,
    -- tag; meta:<key>; phone, phone4, name, name3: a keyed hash in hexadecimal digits
    field    text NOT NULL,
    term     text NOT NULL,
    order_id uuid NOT NULL,
    PRIMARY KEY (org_id, field, term, order_id),
    FOREIGN KEY (org_id, order_id) REFERENCES orders.orders (org_id, id)
);
CREATE INDEX terms_by_order ON orders.terms (org_id, order_id);

-- The history of an order: appended, never changed.
CREATE TABLE orders.events (
    org_id      uuid        NOT NULL,
    order_id    uuid        NOT NULL,
    seq         integer     NOT NULL, -- 1, 2, 3 ... in the order in which they were recorded
    id          uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('created', 'assigned', 'reassigned', 'handed_over', 'unassigned', 'step',
                    'failed', 'cancelled', 'returning', 'reattempt', 'correction', 'updated', 'preparation', 'proof',
                    'proof_warning')),
    from_status text        NOT NULL,
    to_status   text        NOT NULL,
    driver_id   uuid,                 -- who has it afterwards
    attempt     smallint    NOT NULL,
    at          timestamptz NOT NULL, -- by the clock of the device that reported it
    recorded_at timestamptz NOT NULL,
    by          text        NOT NULL, -- the caller's label
    lat         float8,
    lon         float8,
    reason      text,                 -- a word, or of a correction a sentence about the work
    note        bytea,                -- sealed with the key of the drop-off
    subject_id  uuid,                 -- whose key that is
    detail      jsonb       NOT NULL DEFAULT '{}', -- words and identifiers
    PRIMARY KEY (org_id, order_id, seq),
    FOREIGN KEY (org_id, order_id) REFERENCES orders.orders (org_id, id),
    CHECK ((note IS NULL) OR (subject_id IS NOT NULL))
);

------------------------------------------------------------------------------------------------------------------------
-- Packages.

CREATE TABLE orders.packages (
    org_id          uuid        NOT NULL,
    id              uuid        NOT NULL,
    order_id        uuid        NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    tracking_number text        NOT NULL COLLATE "C", -- P, 12 drawn characters, a check character
    description     text,                             -- of the goods, not of people
    barcode         text,
    weight_g        bigint      NOT NULL,
    volume_ml       bigint      NOT NULL,
    count           bigint      NOT NULL,
    status          text        NOT NULL CHECK (status IN ('pending', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered',
                        'delivery_failed', 'return_to_sender', 'returned', 'on_hold', 'cancelled')),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, order_id) REFERENCES orders.orders (org_id, id)
);
CREATE INDEX packages_by_order ON orders.packages (org_id, order_id, id);
CREATE UNIQUE INDEX packages_by_number ON orders.packages (org_id, tracking_number);
CREATE INDEX packages_by_barcode ON orders.packages (org_id, barcode) WHERE barcode IS NOT NULL;
CREATE INDEX packages_by_status ON orders.packages (org_id, status, id);

-- What was reported of a package: appended, never changed.
CREATE TABLE orders.scans (
    org_id      uuid        NOT NULL,
    package_id  uuid        NOT NULL,
    id          uuid        NOT NULL, -- in the order in which they were recorded
    status      text        NOT NULL,
    at          timestamptz NOT NULL, -- by the clock of the device
    recorded_at timestamptz NOT NULL,
    by          text        NOT NULL,
    lat         float8,
    lon         float8,
    note        bytea,                -- sealed with the key of the drop-off
    subject_id  uuid,
    PRIMARY KEY (org_id, package_id, id),
    FOREIGN KEY (org_id, package_id) REFERENCES orders.packages (org_id, id)
);
CREATE INDEX scans_by_time ON orders.scans (org_id, package_id, at, id);

-- Whose a tracking number is, before anybody is signed in.
CREATE TABLE orders.package_index (
    hash       bytea NOT NULL PRIMARY KEY, -- SHA-256 of the tracking number
    org_id     uuid  NOT NULL,
    package_id uuid  NOT NULL
);

------------------------------------------------------------------------------------------------------------------------
-- Proofs.

CREATE TABLE orders.proofs (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    order_id       uuid        NOT NULL,
    version        bigint      NOT NULL DEFAULT 1,
    stop           text        NOT NULL CHECK (stop IN ('pickup', 'dropoff', 'return')),
    attempt        smallint    NOT NULL,
    at             timestamptz NOT NULL, -- by the clock of the device
    recorded_at    timestamptz NOT NULL,
    by             text        NOT NULL,
    lat            float8,
    lon            float8,
    subject_id     uuid        NOT NULL, -- whose key seals the rest, and the pictures
    signature_name bytea,                -- sealed
    notes          bytea,                -- sealed
    barcodes       text[]      NOT NULL DEFAULT '{}',
    pin            boolean     NOT NULL DEFAULT false, -- the right one was presented
    age_confirmed  boolean     NOT NULL DEFAULT false,
    photo          uuid,                 -- files of platform.files
    signature      uuid,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, order_id) REFERENCES orders.orders (org_id, id)
);
CREATE INDEX proofs_by_order ON orders.proofs (org_id, order_id, id);

CREATE TABLE orders.pins (
    org_id   uuid     NOT NULL,
    order_id uuid     NOT NULL,
    stop     text     NOT NULL CHECK (stop IN ('pickup', 'dropoff', 'return')),
    hash     bytea    NOT NULL, -- keyed with the organisation's key, over order, stop and PIN
    wrong    smallint NOT NULL DEFAULT 0, -- from 5 on locked until it is set anew
    PRIMARY KEY (org_id, order_id, stop),
    FOREIGN KEY (org_id, order_id) REFERENCES orders.orders (org_id, id)
);

------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION orders.package_of(p_hash bytea) RETURNS TABLE (org_id uuid, package_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT i.org_id, i.package_id FROM orders.package_index i WHERE i.hash = p_hash
$$;
REVOKE ALL ON FUNCTION orders.package_of(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION orders.package_of(bytea) TO dropmate_orders;

SELECT platform.protect_installation('orders.package_index'::regclass, 'orders');
SELECT platform.protect_tenant(t::regclass, 'orders')
  FROM unnest(ARRAY['orders.shops', 'orders.zones', 'orders.counters', 'orders.orders', 'orders.stops', 'orders.terms',
                    'orders.events', 'orders.packages', 'orders.scans', 'orders.proofs', 'orders.pins']) t;
