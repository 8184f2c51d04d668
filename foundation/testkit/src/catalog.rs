//! What must hold for every table, view, function and role of a migrated database, read from the catalog (design
//! section 3). Each service runs it over its own schema.

use sqlx::{PgConnection, Row};

/// One rule as a query: it returns the names of what breaks it.
struct Rule {
    what: &'static str,
    sql: &'static str,
}

/// `$1` is the schema; `$2` the tables that belong to the installation and not to an organisation.
const RULES: &[Rule] = &[
    Rule {
        what: "row-level security is not enabled and forced",
        sql: "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
                 AND c.relname <> '_migrations' AND $2::text[] IS NOT NULL
                 AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    },
    Rule {
        what: "the primary key does not start with org_id",
        sql: "SELECT c.relname::text FROM pg_class c
               WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                 AND c.relname <> '_migrations' AND c.relname <> ALL ($2)
                 AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                                  WHERE i.indrelid = c.oid AND i.indisprimary AND a.attname = 'org_id' AND a.attnotnull)",
    },
    Rule {
        what: "a unique index spans organisations",
        sql: "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               WHERE c.relnamespace = $1::regnamespace AND i.indisunique AND NOT c.relispartition
                 AND c.relname <> '_migrations' AND c.relname <> ALL ($2)
                 AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id'
                                    AND a.attnum = ANY (i.indkey::int2[]))",
    },
    Rule {
        what: "a foreign key does not carry org_id, or leaves the schema",
        sql: "SELECT f.conrelid::regclass || '.' || f.conname FROM pg_constraint f
                JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class t ON t.oid = f.confrelid
               WHERE f.contype = 'f' AND c.relnamespace = $1::regnamespace
                 AND (t.relnamespace <> c.relnamespace
                      OR (c.relname <> ALL ($2) AND t.relname <> ALL ($2) AND NOT EXISTS (
                          SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id'
                             AND a.attnum = ANY (f.conkey))))",
    },
    Rule {
        what: "a service's policy is not `org_id = (select platform.org())`",
        sql: "SELECT p.tablename || '.' || p.policyname FROM pg_policies p
               WHERE p.schemaname = $1 AND p.tablename <> ALL ($2)
                 AND p.roles && (SELECT array_agg(rolname) FROM pg_roles WHERE rolname LIKE 'dropmate\\_%'
                                    AND rolname NOT IN ('dropmate_owner', 'dropmate_system', 'dropmate_backup'))
                 AND (p.qual IS DISTINCT FROM '(org_id = ( SELECT platform.org() AS org))'
                      OR p.with_check IS DISTINCT FROM '(org_id = ( SELECT platform.org() AS org))')",
    },
    Rule {
        what: "an index on an expression, which row security keeps from being used",
        sql: "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               WHERE c.relnamespace = $1::regnamespace AND i.indexprs IS NOT NULL AND $2::text[] IS NOT NULL",
    },
    Rule {
        what: "not owned by dropmate_owner",
        sql: "SELECT o.name FROM (
                  SELECT c.oid::regclass::text AS name, c.relowner AS owner FROM pg_class c
                   WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
                  UNION ALL SELECT p.oid::regprocedure::text, p.proowner FROM pg_proc p
                   WHERE p.pronamespace = $1::regnamespace
                  UNION ALL SELECT n.nspname, n.nspowner FROM pg_namespace n WHERE n.nspname = $1) o
               WHERE o.owner <> 'dropmate_owner'::regrole AND $2::text[] IS NOT NULL",
    },
    Rule {
        what: "a SECURITY DEFINER function without a pinned search_path, or open to everybody",
        sql: "SELECT p.oid::regprocedure::text FROM pg_proc p
               WHERE p.pronamespace = $1::regnamespace AND p.prosecdef AND $2::text[] IS NOT NULL
                 AND (NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search\\_path=%')
                      OR p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))",
    },
    Rule {
        what: "a view that does not run with its reader's rights",
        sql: "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'v'
                 AND $2::text[] IS NOT NULL AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)",
    },
    Rule {
        what: "a role with more rights than its work needs",
        sql: "SELECT r.rolname::text FROM pg_roles r
               WHERE r.rolname LIKE 'dropmate\\_%' AND r.rolname <> 'dropmate_admin' AND $1::text IS NOT NULL AND $2::text[] IS NOT NULL
                 AND (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
                      OR (r.rolbypassrls AND r.rolname <> 'dropmate_backup')
                      OR (r.rolname <> 'dropmate_owner' AND pg_has_role(r.oid, 'dropmate_owner', 'MEMBER')))",
    },
];

/// Everything in a schema that breaks a rule, as sentences; empty when all is well.
pub async fn check(conn: &mut PgConnection, schema: &str, installation_wide: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for rule in RULES {
        let rows = sqlx::query(rule.sql)
            .bind(schema)
            .bind(installation_wide)
            .fetch_all(&mut *conn)
            .await
            .unwrap_or_else(|error| panic!("the catalog query for {:?}: {error}", rule.what));
        findings
            .extend(rows.iter().map(|row| format!("{schema}: {}: {}", rule.what, row.get::<String, _>(0))));
    }
    findings
}
