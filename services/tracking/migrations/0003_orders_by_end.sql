-- no-transaction
-- Finished deliveries, from which expected times are learned.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_end ON tracking.orders (org_id, ended_at) WHERE ended_at IS NOT NULL;
