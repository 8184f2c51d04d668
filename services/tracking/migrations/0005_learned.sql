-- Who learns, and how others hear of it.

-- Organisations in which something was delivered since then. Couriers who never say that they set out begin no ways, but arrive.
CREATE OR REPLACE FUNCTION tracking.orgs_with_arrivals(p_since timestamptz) RETURNS TABLE (org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.org_id FROM tracking.eta_legs l WHERE l.begun_at >= p_since
    UNION
    SELECT p.org_id FROM tracking.eta_predictions p WHERE p.made_at >= p_since AND p.happened_at IS NOT NULL
    UNION
    SELECT h.org_id FROM tracking.handovers h WHERE h.at >= p_since
$$;

-- Counts how often it was learned: the version of `travel.learned.v1`.
ALTER TABLE tracking.eta_models ADD COLUMN version bigint NOT NULL DEFAULT 0;
