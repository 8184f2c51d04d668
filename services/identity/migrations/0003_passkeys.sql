-- Passkeys (Web Authentication, level 3): a key pair on the person's device; here is its public half.

CREATE TABLE identity.passkeys (
    id            uuid        NOT NULL PRIMARY KEY,
    user_id       uuid        NOT NULL REFERENCES identity.users (id),
    credential_id bytea       NOT NULL UNIQUE, -- the device's name for the key; nobody else may register it
    name          bytea       NOT NULL,        -- sealed: people write whose phone it is
    state         jsonb       NOT NULL,        -- public key, counter and flags, as the library keeps them
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    suspended_at  timestamptz                  -- its counter went back: there may be a copy. It opens nothing any more
);
CREATE INDEX passkeys_by_user ON identity.passkeys (user_id, id);

-- What was asked of a device, until it answers: single use, five minutes.
CREATE TABLE identity.passkey_ceremonies (
    hash       bytea       NOT NULL PRIMARY KEY, -- SHA-256 of the secret that names it
    purpose    text        NOT NULL CHECK (purpose IN ('register', 'sign_in')),
    user_id    uuid        REFERENCES identity.users (id), -- NULL: the device says who it is
    challenge  bytea,                            -- hash of the challenge of the first step, where it is the second step
    state      jsonb       NOT NULL,             -- the random challenge and what is expected, as the library keeps it
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CHECK (purpose <> 'register' OR user_id IS NOT NULL)
);
-- The purge.
CREATE INDEX passkey_ceremonies_by_expiry ON identity.passkey_ceremonies (expires_at);

SELECT platform.protect_installation(t::regclass, 'identity')
  FROM unnest(ARRAY['identity.passkeys', 'identity.passkey_ceremonies']) t;
