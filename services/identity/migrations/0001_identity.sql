-- Schema `identity`: who may sign in, and as what. Personal data (names, e-mail addresses, phones) is sealed with a key
-- per user; equality search goes through keyed hashes (`*_index`).

------------------------------------------------------------------------------------------------------------------------
-- Installation-wide: a person has one account and is a member of any number of organisations.

CREATE TABLE identity.users (
    id          uuid        NOT NULL PRIMARY KEY,
    version     bigint      NOT NULL DEFAULT 1,
    name        bytea       NOT NULL,        -- sealed
    email       bytea,                       -- sealed; a driver may have none
    email_index bytea       UNIQUE,          -- keyed hash of the normalised address
    phone       bytea,                       -- sealed
    phone_index bytea       UNIQUE,          -- keyed hash of the number in E.164
    state       text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    operator    boolean     NOT NULL DEFAULT false, -- runs the installation
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK ((email IS NULL) = (email_index IS NULL)),
    CHECK ((phone IS NULL) = (phone_index IS NULL)),
    CHECK (email IS NOT NULL OR phone IS NOT NULL)
);

-- Secrets, apart from the person: most reads of a user never touch them.
CREATE TABLE identity.credentials (
    user_id    uuid        NOT NULL REFERENCES identity.users (id),
    kind       text        NOT NULL CHECK (kind IN ('password', 'pin')),
    hash       text        NOT NULL, -- argon2id, with its parameters
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, kind)
);

-- A signed-in device or browser. Revoking it revokes every token that came from it.
CREATE TABLE identity.sessions (
    id           uuid        NOT NULL PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES identity.users (id),
    org_id       uuid,                  -- the organisation that access tokens of this session name
    switched_at  timestamptz,           -- when it last began to name another one: tokens from before may still live
    client       text        NOT NULL CHECK (client IN ('browser', 'app')),
    device       text        NOT NULL,  -- browser and system in words, never the whole user agent
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,  -- moves with each refresh
    revoked_at   timestamptz,
    reason       text CHECK (reason IN ('logout', 'revoked', 'cut_off', 'reuse', 'password', 'disabled')),
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
);
CREATE INDEX sessions_by_user ON identity.sessions (user_id, id);
-- The purge.
CREATE INDEX sessions_by_expiry ON identity.sessions (expires_at);

-- Refresh tokens by their hash. A used one stays until its session ends, so that its reuse is seen.
CREATE TABLE identity.refresh_tokens (
    hash       bytea       NOT NULL PRIMARY KEY, -- SHA-256 of the token
    session_id uuid        NOT NULL REFERENCES identity.sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    -- The token that was exchanged for it; NULL for the first of a session.
    parent     bytea,
    -- The successor, sealed: within ten seconds the direct parent gets the same one again (a lost answer).
    successor  bytea
);
CREATE INDEX refresh_tokens_by_session ON identity.refresh_tokens (session_id);
-- Whether a used token's successor was used. Unique: a token has one successor, whatever happens at once.
CREATE UNIQUE INDEX refresh_tokens_by_parent ON identity.refresh_tokens (parent);

-- Keys that sign access tokens. A key is published from its creation, signs from `active_from`, and is accepted until
-- `retires_at`.
CREATE TABLE identity.signing_keys (
    id          uuid        NOT NULL PRIMARY KEY,
    public_key  bytea       NOT NULL CHECK (length(public_key) = 32), -- Ed25519
    private_key bytea       NOT NULL,        -- PKCS#8, sealed
    created_at  timestamptz NOT NULL,
    active_from timestamptz NOT NULL,
    retires_at  timestamptz
);

-- Links that work once: first run, password reset, e-mail change.
CREATE TABLE identity.one_time_links (
    hash       bytea       NOT NULL PRIMARY KEY, -- SHA-256 of the token in the link
    purpose    text        NOT NULL CHECK (purpose IN ('first_run', 'password_reset', 'email_change')),
    user_id    uuid        REFERENCES identity.users (id),
    detail     bytea,      -- sealed: the new address of an e-mail change
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CHECK ((purpose = 'first_run') = (user_id IS NULL))
);
CREATE INDEX one_time_links_by_expiry ON identity.one_time_links (expires_at);

-- Which organisation a key or an invitation belongs to, before anybody is signed in.
CREATE TABLE identity.credential_index (
    hash   bytea NOT NULL PRIMARY KEY, -- SHA-256 of the secret
    kind   text  NOT NULL CHECK (kind IN ('api_key', 'invitation')),
    org_id uuid  NOT NULL,
    id     uuid  NOT NULL
);

------------------------------------------------------------------------------------------------------------------------
-- Business data: one organisation each.

CREATE TABLE identity.organizations (
    org_id     uuid        NOT NULL PRIMARY KEY, -- its own tenant
    version    bigint      NOT NULL DEFAULT 1,
    name       text        NOT NULL,
    time_zone  text        NOT NULL, -- IANA
    currency   text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE identity.memberships (
    org_id     uuid        NOT NULL REFERENCES identity.organizations (org_id),
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL REFERENCES identity.users (id),
    role       text        NOT NULL CHECK (role IN ('owner', 'manager', 'dispatcher', 'driver', 'customer')),
    version    bigint      NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (org_id, id)
);
-- One current membership per person and organisation.
CREATE UNIQUE INDEX memberships_current ON identity.memberships (org_id, user_id) WHERE ended_at IS NULL;
-- Sign-in asks for all organisations of a person.
CREATE INDEX memberships_by_user ON identity.memberships (user_id) WHERE ended_at IS NULL;

CREATE TABLE identity.invitations (
    org_id      uuid        NOT NULL REFERENCES identity.organizations (org_id),
    id          uuid        NOT NULL,
    role        text        NOT NULL CHECK (role IN ('owner', 'manager', 'dispatcher', 'driver', 'customer')),
    email       bytea,      -- sealed with the invitation's own key; NULL for a link that is handed over
    version     bigint      NOT NULL DEFAULT 1,
    invited_by  uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at  timestamptz,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE identity.api_keys (
    org_id       uuid        NOT NULL REFERENCES identity.organizations (org_id),
    id           uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('api', 'device')),
    name         text        NOT NULL, -- of the integration or device, not of a person
    hint         text        NOT NULL, -- first characters, so that people recognise it
    hash         bytea       NOT NULL UNIQUE,
    scopes       text[]      NOT NULL,
    version      bigint      NOT NULL DEFAULT 1,
    created_by   uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz, -- to the minute
    revoked_at   timestamptz,
    PRIMARY KEY (org_id, id)
);

------------------------------------------------------------------------------------------------------------------------
-- Named functions for the two questions that are asked before an organisation is known.

CREATE FUNCTION identity.memberships_of(p_user uuid)
RETURNS TABLE (org_id uuid, id uuid, role text, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT m.org_id, m.id, m.role, o.name
      FROM identity.memberships m JOIN identity.organizations o ON o.org_id = m.org_id
     WHERE m.user_id = p_user AND m.ended_at IS NULL
     ORDER BY m.id
$$;

CREATE FUNCTION identity.has_owner() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM identity.memberships WHERE role = 'owner' AND ended_at IS NULL)
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA identity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.memberships_of(uuid), identity.has_owner() TO dropmate_identity;

SELECT platform.protect_installation(t::regclass, 'identity')
  FROM unnest(ARRAY['identity.users', 'identity.credentials', 'identity.sessions', 'identity.refresh_tokens',
                    'identity.signing_keys', 'identity.one_time_links', 'identity.credential_index']) t;
SELECT platform.protect_tenant(t::regclass, 'identity')
  FROM unnest(ARRAY['identity.organizations', 'identity.memberships', 'identity.invitations', 'identity.api_keys']) t;
