-- no-transaction
-- The subjects whose key was changed, for those who seal anew. Few, in a table of all.
CREATE INDEX CONCURRENTLY vault_subject_keys_rotated ON platform.vault_subject_keys (scope, subject_id) WHERE version > 1;
