\set key random(1, 9000000000000000)
\set high random(1, 9000000000000000)
BEGIN\; SET LOCAL dropmate.org = ''\; SELECT platform.idempotency_claim('user_bench', 'create_organization', 'pgbench-ROUND-:key', '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff')\; SAVEPOINT command;
SELECT set_config('bench.org', md5(:key::text || ':' || :high::text)::uuid::text, true), set_config('bench.member', md5('m' || :key::text || ':' || :high::text)::uuid::text, true);
SELECT set_config('dropmate.org', current_setting('bench.org'), true);
INSERT INTO identity.organizations (org_id, name, time_zone, currency, created_at, updated_at) VALUES (current_setting('bench.org')::uuid, 'Shop', 'Europe/Berlin', 'EUR', now(), now());
INSERT INTO identity.memberships (org_id, id, user_id, role, created_at, updated_at) VALUES (current_setting('bench.org')::uuid, current_setting('bench.member')::uuid, 'USER_ID', 'owner', now(), now());
INSERT INTO platform.audit_entries (id, org_id, at, actor, role, action, object_type, object_id, before_hash, after_hash, request_id, trace, detail) VALUES (gen_random_uuid(), current_setting('bench.org')::uuid, now(), 'user_bench', 'operator', 'create_organization', 'organization', current_setting('bench.org'), NULL, '\x00', 'req', '00-00', '{}');
SELECT set_config('dropmate.org', '', true);
INSERT INTO platform.idempotency_keys (org_id, principal, operation, key, fingerprint, status, headers, body, created_at) VALUES ('00000000-0000-0000-0000-000000000000', 'user_bench', 'create_organization', 'pgbench-ROUND-' || :key::text || '-' || :high::text, '\x00', 201, '[["content-type","application/json"]]', '\x7b7d', now());
SELECT bus.publish(ARRAY[gen_random_uuid(), gen_random_uuid()], ARRAY[current_setting('bench.org')::uuid, current_setting('bench.org')::uuid], ARRAY['organization.created.v1', 'user.created.v1'], ARRAY[current_setting('bench.org')::uuid, current_setting('bench.member')::uuid], ARRAY[1::bigint, 1::bigint], ARRAY['{"org_id":"org_01h455vb4pex5vsknk084sn02q"}'::jsonb, '{"role":"owner"}'::jsonb], ARRAY['user_bench', 'user_bench'], ARRAY[NULL::text, NULL::text], ARRAY[now(), now()]);
COMMIT;
