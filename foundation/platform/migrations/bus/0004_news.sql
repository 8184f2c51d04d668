-- What the log grew by, in the call that made it grow: a consumer that has no part in it need not look.
CREATE FUNCTION bus.advance_and_tell(p_limit integer, OUT moved integer, OUT subjects text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    moved := bus.advance(p_limit);
    IF moved > 0 THEN
        -- The head is still locked: these are the last rows.
        SELECT array_agg(DISTINCT l.subject) INTO subjects FROM bus.log l
         WHERE l."offset" >= (SELECT h.next_offset FROM bus.head h) - moved;
    END IF;
END $$;
REVOKE ALL ON FUNCTION bus.advance_and_tell(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bus.advance_and_tell(integer) TO dropmate_system;
