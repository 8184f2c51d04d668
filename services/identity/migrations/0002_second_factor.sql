-- A second factor: an authenticator app (TOTP, RFC 6238), recovery codes, and the challenge between the two steps of
-- signing in. Installation-wide like users: a person has one account.

CREATE TABLE identity.totp (
    user_id      uuid        NOT NULL PRIMARY KEY REFERENCES identity.users (id),
    secret       bytea       NOT NULL, -- sealed with the person's key
    created_at   timestamptz NOT NULL,
    confirmed_at timestamptz,          -- NULL: no code has been seen yet, it protects nothing
    last_step    bigint                -- the newest step (30 s) whose code was accepted: no code works twice
);

CREATE TABLE identity.recovery_codes (
    user_id    uuid        NOT NULL REFERENCES identity.users (id),
    hash       bytea       NOT NULL, -- keyed hash of person and code: 50 bits alone could be searched
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    PRIMARY KEY (user_id, hash)
);

-- The first step of signing in was right; the secret of the challenge and a second factor give the session.
CREATE TABLE identity.challenges (
    hash       bytea       NOT NULL PRIMARY KEY, -- SHA-256 of the secret
    user_id    uuid        NOT NULL REFERENCES identity.users (id),
    org_id     uuid,                             -- which organisation to enter, if one was named
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
-- The purge.
CREATE INDEX challenges_by_expiry ON identity.challenges (expires_at);

-- When the person last proved who they are: at the start of the session, or later (step-up). NULL: at its start.
ALTER TABLE identity.sessions ADD COLUMN authenticated_at timestamptz;
-- A first second factor ends the sessions that were opened without it.
ALTER TABLE identity.sessions DROP CONSTRAINT sessions_reason_check;
ALTER TABLE identity.sessions ADD CONSTRAINT sessions_reason_check
    CHECK (reason IN ('logout', 'revoked', 'cut_off', 'reuse', 'password', 'disabled', 'second_factor'));

-- Whether owners and managers of the organisation need a second factor.
ALTER TABLE identity.organizations ADD COLUMN second_factor_required boolean NOT NULL DEFAULT false;

-- The private half of a retired signing key is destroyed; the row stays, so that its id is never used again.
ALTER TABLE identity.signing_keys ALTER COLUMN private_key DROP NOT NULL;

-- The organisations that ask this person for a second factor: asked before any of them is entered.
CREATE FUNCTION identity.second_factor_required_by(p_user uuid) RETURNS TABLE (org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT m.org_id
      FROM identity.memberships m JOIN identity.organizations o ON o.org_id = m.org_id
     WHERE m.user_id = p_user AND m.ended_at IS NULL AND m.role IN ('owner', 'manager') AND o.second_factor_required
$$;
REVOKE ALL ON FUNCTION identity.second_factor_required_by(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.second_factor_required_by(uuid) TO dropmate_identity;

SELECT platform.protect_installation(t::regclass, 'identity')
  FROM unnest(ARRAY['identity.totp', 'identity.recovery_codes', 'identity.challenges']) t;
