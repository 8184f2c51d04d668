-- A service as small as possible, for the tests of the platform: accounts with a balance.
CREATE TABLE demo.accounts (
    org_id  uuid   NOT NULL,
    id      uuid   NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    balance bigint NOT NULL DEFAULT 0,
    name    bytea, -- sealed
    PRIMARY KEY (org_id, id)
);
-- What a consumer has seen, one row per effect.
CREATE TABLE demo.effects (
    org_id   uuid   NOT NULL,
    id       bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid   NOT NULL,
    account  uuid   NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
SELECT platform.protect_tenant('demo.accounts', 'demo'), platform.protect_tenant('demo.effects', 'demo');
