-- Files that services keep: photographs, logos, signatures, exports. The content is in the file store under a name that is
-- made of this row (service, organisation, id), never of what a caller sent.
--
--   pending  the row is committed, the content is being written or waits for the business transaction that keeps it
--   kept     a committed business row names it
--   removed  nothing names it any more; the content stays a day, for backups that are being made
--   doomed   the sweeper deletes the content, then the row
CREATE TABLE platform.files (
    id         uuid        NOT NULL PRIMARY KEY,
    org_id     uuid        NOT NULL, -- nil for files of people of the installation
    service    text        NOT NULL DEFAULT platform.service(),
    purpose    text        NOT NULL, -- what it is for, in the service's words
    media_type text        NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png')),
    size_bytes bigint      NOT NULL CHECK (size_bytes > 0), -- of the content in clear
    sha256     bytea       NOT NULL CHECK (length(sha256) = 32), -- of what is in the store, sealed or not
    subject_id uuid,                 -- whose data it is; NULL when it is about nobody
    data_key   bytea,                -- key of the content, sealed with the subject's key
    state      text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'kept', 'removed', 'doomed')),
    created_at timestamptz NOT NULL, -- business time
    changed_at timestamptz NOT NULL, -- business time: when it got its state
    CHECK ((subject_id IS NULL) = (data_key IS NULL))
);
-- The sweeper.
CREATE INDEX files_to_sweep ON platform.files (service, changed_at) WHERE state <> 'kept';
-- What is about one person: sealing anew, and sweeping after an erasure.
CREATE INDEX files_by_subject ON platform.files (org_id, subject_id) WHERE subject_id IS NOT NULL;

ALTER TABLE platform.files ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.files FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON platform.files TO dropmate_owner USING (true) WITH CHECK (true);
-- A service sees its own files: those of the organisation it acts in, and those of people of the installation.
CREATE POLICY service ON platform.files TO dropmate_services
    USING (service = (SELECT platform.service())
           AND org_id IN ((SELECT platform.org_or_installation()), '00000000-0000-0000-0000-000000000000'::uuid))
    WITH CHECK (service = (SELECT platform.service())
           AND org_id IN ((SELECT platform.org_or_installation()), '00000000-0000-0000-0000-000000000000'::uuid));
GRANT SELECT, INSERT, UPDATE ON platform.files TO dropmate_services;

-- Dooms what nothing needs, in all organisations, and names it: contents that were never kept, contents that were removed,
-- contents that nobody can read since the person was erased. What was named before and is still there is named again.
CREATE FUNCTION platform.files_doom(p_unkept timestamptz, p_removed timestamptz, p_now timestamptz, p_limit integer)
RETURNS TABLE (id uuid, org_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE platform.files f SET state = 'doomed', changed_at = p_now
     WHERE f.id IN (
        SELECT c.id FROM platform.files c
         WHERE c.service = platform.service()
           AND (c.state = 'doomed'
                OR c.state = 'pending' AND c.changed_at < p_unkept
                OR c.state = 'removed' AND c.changed_at < p_removed
                OR c.subject_id IS NOT NULL AND EXISTS (
                    SELECT FROM platform.vault_subject_keys k
                     WHERE k.scope = c.org_id AND k.subject_id = c.subject_id AND k.wrapped IS NULL))
         ORDER BY c.changed_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
    RETURNING f.id, f.org_id
$$;

-- The content is gone; now the row.
CREATE FUNCTION platform.file_gone(p_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    DELETE FROM platform.files WHERE id = p_id AND service = platform.service() AND state = 'doomed'
$$;

REVOKE ALL ON FUNCTION platform.files_doom(timestamptz, timestamptz, timestamptz, integer), platform.file_gone(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.files_doom(timestamptz, timestamptz, timestamptz, integer), platform.file_gone(uuid)
    TO dropmate_services;
