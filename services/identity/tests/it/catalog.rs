//! What the catalogue of the database says about the schema of identity.

use sqlx::Row as _;
use testkit::TestDb;

/// Tables that belong to the installation and not to one organisation; each is explained in the migration.
const INSTALLATION: [&str; 10] = [
    "challenges",
    "credential_index",
    "credentials",
    "one_time_links",
    "recovery_codes",
    "refresh_tokens",
    "sessions",
    "signing_keys",
    "totp",
    "users",
];

#[tokio::test]
async fn every_table_is_protected_and_belongs_to_somebody_else() {
    let db = TestDb::new(&[identity::manifest()]).await;
    let rows = sqlx::query(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) AS owner,
                (SELECT array_agg(a.attname::text ORDER BY k.n)
                   FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, n)
                   JOIN pg_attribute a ON a.attnum = k.attnum AND a.attrelid = c.oid
                  WHERE i.indrelid = c.oid AND i.indisprimary) AS key
           FROM pg_class c WHERE c.relnamespace = 'identity'::regnamespace AND c.relkind IN ('r', 'p')
            AND c.relname NOT LIKE '%migrations' ORDER BY 1",
    )
    .fetch_all(&mut db.admin().await)
    .await
    .unwrap();
    assert_eq!(rows.len(), INSTALLATION.len() + 4);
    for row in &rows {
        let (name, owner): (String, String) = (row.get("relname"), row.get("owner"));
        assert!(row.get::<bool, _>("relrowsecurity") && row.get::<bool, _>("relforcerowsecurity"), "{name}");
        assert_ne!(owner, "dropmate_identity", "{name}");
        let key: Vec<String> = row.get("key");
        let tenant = !INSTALLATION.contains(&name.as_str());
        assert_eq!(key[0] == "org_id", tenant, "{name}: {key:?}");
    }
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT conname::text FROM pg_constraint
          WHERE contype = 'f' AND connamespace = 'identity'::regnamespace
            AND confrelid::regclass::text NOT LIKE 'identity.%'",
    )
    .fetch_all(&mut db.admin().await)
    .await
    .unwrap();
    assert!(left.is_empty(), "foreign keys leave the schema: {left:?}");
}

#[tokio::test]
async fn without_an_organisation_there_is_an_error_and_not_an_empty_answer() {
    let db = TestDb::new(&[identity::manifest()]).await;
    let mut conn = db.connect("dropmate_identity").await;
    for table in ["organizations", "memberships", "invitations", "api_keys"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM identity.{table}"));
        let refused = sqlx::query(sql).fetch_one(&mut conn).await;
        assert!(refused.is_err(), "{table} answered without an organisation");
    }
}
