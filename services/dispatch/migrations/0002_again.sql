-- Who finds the reconciler's lease taken asks its holder to look once more afterwards.
ALTER TABLE dispatch.policies ADD COLUMN again boolean NOT NULL DEFAULT false;
