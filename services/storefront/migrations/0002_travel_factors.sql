-- How much longer ways really take than sources of travel times say, as the organisation has learned: a read model.
CREATE TABLE storefront.travel_factors (
    org_id  uuid   NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    factors jsonb  NOT NULL -- kernel::travel::Factors
);

SELECT platform.protect_tenant('storefront.travel_factors'::regclass, 'storefront');
