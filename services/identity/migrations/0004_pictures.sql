-- Pictures: which file is shown. The content is in the file store, its row in platform.files.
ALTER TABLE identity.users
    ADD COLUMN photo uuid; -- sealed with the person's key, like their name
ALTER TABLE identity.organizations
    ADD COLUMN logo uuid;  -- about nobody: not sealed
