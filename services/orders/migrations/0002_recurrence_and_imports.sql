-- Orders that come back by a rule, and orders from tables that somebody sends. What they will be is sealed as a whole: it
-- holds names, phones, doors and notes.

------------------------------------------------------------------------------------------------------------------------
-- Recurrence.

CREATE TABLE orders.recurrences (
    org_id         uuid        NOT NULL,
    id             uuid        NOT NULL,
    version        bigint      NOT NULL DEFAULT 1,
    name           text        NOT NULL, -- what people call it; of the work, not of people
    shop_id        uuid,                 -- where its orders come from
    time_zone      text        NOT NULL, -- IANA; the shop's, where there is one, and it follows the shop
    rrule          text        NOT NULL, -- RFC 5545, as it was written
    -- Wall-clock times in that zone.
    starts_at      timestamp   NOT NULL,
    ends_at        timestamp,            -- nothing occurs after it
    lead_s         integer     NOT NULL CHECK (lead_s >= 0), -- how long before an occurrence its order is made
    paused         boolean     NOT NULL DEFAULT false,
    template       bytea       NOT NULL, -- sealed: store::kept, the order with its times as distances
    subject_id     uuid        NOT NULL, -- whose key seals it: one of this recurrence, or the customer's
    -- The next occurrence of which nothing has been made or recorded. NULL: paused, or the rule has ended.
    next_occurs_at timestamptz,
    next_at        timestamptz,          -- when its order is made: the lead before it
    last_error     text,                 -- why the last occurrence has no order; never about people
    last_error_at  timestamptz,
    created_by     text        NOT NULL, -- the caller's label; orders are placed in its name
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CHECK ((next_at IS NULL) = (next_occurs_at IS NULL)),
    CHECK ((last_error IS NULL) = (last_error_at IS NULL))
);
-- What is due, of all organisations.
CREATE INDEX recurrences_by_next ON orders.recurrences (next_at) WHERE next_at IS NOT NULL;
-- Those that follow a shop.
CREATE INDEX recurrences_by_shop ON orders.recurrences (org_id, shop_id) WHERE shop_id IS NOT NULL;

-- What became of each occurrence: written with its order, so that no moment has two.
CREATE TABLE orders.occurrences (
    org_id        uuid        NOT NULL,
    recurrence_id uuid        NOT NULL,
    occurs_at     timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('created', 'skipped', 'failed')),
    order_id      uuid,                 -- of 'created'
    reason        text,                 -- of the others; never about people
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (org_id, recurrence_id, occurs_at),
    FOREIGN KEY (org_id, recurrence_id) REFERENCES orders.recurrences (org_id, id) ON DELETE CASCADE,
    CHECK ((state = 'created') = (order_id IS NOT NULL)),
    CHECK ((state = 'created') = (reason IS NULL))
);

-- The timer knows of no organisation.
CREATE FUNCTION orders.recurrences_due(p_now timestamptz, p_limit integer)
RETURNS TABLE (org_id uuid, recurrence_id uuid, created_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.org_id, r.id, r.created_by FROM orders.recurrences r WHERE r.next_at <= p_now ORDER BY r.next_at LIMIT p_limit
$$;
REVOKE ALL ON FUNCTION orders.recurrences_due(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION orders.recurrences_due(timestamptz, integer) TO dropmate_orders;

------------------------------------------------------------------------------------------------------------------------
-- Imports.

CREATE TABLE orders.imports (
    org_id        uuid        NOT NULL,
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    state         text        NOT NULL CHECK (state IN ('previewed', 'running', 'done', 'undoing', 'undone')),
    shop_id       uuid        NOT NULL, -- where its orders come from
    time_zone     text        NOT NULL, -- the shop's, in which its times were read
    hash          bytea       NOT NULL, -- SHA-256 of the file: the same file is noticed
    duplicate_of  uuid,                 -- an import of the same file in the last day
    mapping       jsonb       NOT NULL, -- domain::import::columns::Mapping: which column is which field
    format        jsonb       NOT NULL, -- domain::sheet::Format: how the file is written
    -- Rows by what became of them; together all rows with something in them.
    valid         integer     NOT NULL, -- wait for an order
    invalid       integer     NOT NULL, -- will have none
    created       integer     NOT NULL DEFAULT 0,
    failed        integer     NOT NULL DEFAULT 0, -- could not be made, although it seemed so
    undone        integer     NOT NULL DEFAULT 0,
    kept          integer     NOT NULL DEFAULT 0, -- could not be undone
    subject_id    uuid        NOT NULL, -- whose key seals the rows: one of this import
    cleared_at    timestamptz,          -- when that key was destroyed
    created_by    text        NOT NULL, -- the caller's label
    confirmed_by  text,                 -- in whose name its orders are placed
    undone_by     text,                 -- in whose name they are called off
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,          -- of the last row, made or undone
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (org_id, id)
);
-- The list, newest first.
CREATE INDEX imports_by_time ON orders.imports (org_id, created_at, id);
CREATE INDEX imports_by_hash ON orders.imports (org_id, hash);

CREATE TABLE orders.import_rows (
    org_id     uuid    NOT NULL,
    id         uuid    NOT NULL,
    import_id  uuid    NOT NULL,
    number     integer NOT NULL, -- the line or row of the file, counted from 1
    state      text    NOT NULL CHECK (state IN ('valid', 'invalid', 'created', 'failed', 'undone', 'kept')),
    order_id   uuid,             -- what was made of it, in the same transaction
    content    bytea,            -- sealed: store::kept, the order that it will be; NULL: none, or its time is over
    subject_id uuid    NOT NULL, -- whose key that is
    errors     jsonb   NOT NULL DEFAULT '[]', -- domain::import::RowError: words about columns, never their values
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, import_id) REFERENCES orders.imports (org_id, id) ON DELETE CASCADE,
    CHECK ((state IN ('created', 'undone', 'kept')) = (order_id IS NOT NULL))
);
CREATE UNIQUE INDEX import_rows_by_number ON orders.import_rows (org_id, import_id, number);
-- What is still to be done of an import.
CREATE INDEX import_rows_by_state ON orders.import_rows (org_id, import_id, state, number);

SELECT platform.protect_tenant(t::regclass, 'orders')
  FROM unnest(ARRAY['orders.recurrences', 'orders.occurrences', 'orders.imports', 'orders.import_rows']) t;
