-- The PIN of a drop-off is shown to the customer, who says it at the door: beside the hash that it is checked against it is
-- kept sealed. PINs of other stops, and those that were set before, are known by their hash only.
ALTER TABLE orders.pins
    ADD COLUMN id         uuid,  -- what the sealed value is bound to; new with each PIN
    ADD COLUMN subject_id uuid,  -- whose key seals it: that of the drop-off
    ADD COLUMN pin        bytea, -- sealed
    ADD CHECK (num_nonnulls(id, subject_id, pin) IN (0, 3));
