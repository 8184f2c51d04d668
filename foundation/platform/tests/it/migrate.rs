//! Migrating: idempotent, one at a time, and honest about versions.

use std::sync::LazyLock;

use platform::migrate::{self, MigrationError};
use platform::service::Manifest;
use sqlx::migrate::Migrator;
use sqlx::{Connection, Executor, PgConnection};
use testkit::TestDb;
use testkit::database::role_passwords;

use crate::demo::MANIFESTS;

static PLAIN: Migrator = sqlx::migrate!("../testkit/demo_migrations");

/// The same migrations with one byte changed.
static EDITED: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = PLAIN.migrations.to_vec();
    migrations[0].checksum.to_mut()[0] ^= 1;
    Migrator { migrations: migrations.into(), ..Migrator::DEFAULT }
});

fn demo(migrator: &'static Migrator) -> Vec<Manifest> {
    vec![Manifest { migrations: Some(migrator), ..MANIFESTS[0].clone() }]
}

/// Roles belong to the whole server: nobody else may prepare a template while this lock is held.
async fn alone(test: &TestDb) -> PgConnection {
    let mut conn = PgConnection::connect_with(&test.admin_options().database("postgres")).await.unwrap();
    conn.execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    conn
}

async fn shape(test: &TestDb) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT c.oid::regclass || ' ' || c.relkind::text || ' ' || coalesce(c.relacl::text, '') FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('platform', 'bus', 'demo')
         UNION ALL SELECT p.oid::regprocedure || ' ' || coalesce(p.proacl::text, '') FROM pg_proc p
           JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('platform', 'bus', 'demo')
         UNION ALL SELECT subject || ' ' || source FROM bus.subjects ORDER BY 1",
    )
    .fetch_all(&mut test.admin().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let test = TestDb::new(&MANIFESTS).await;
    let _alone = alone(&test).await;
    let before = shape(&test).await;
    migrate::migrate(&test.admin_options(), &role_passwords(), &MANIFESTS).await.unwrap();
    assert_eq!(shape(&test).await, before);
    migrate::check(&mut test.connect("dropmate_demo").await, &MANIFESTS).await.unwrap();
}

#[tokio::test]
async fn starts_at_the_same_time_wait_for_each_other() {
    let test = TestDb::new(&[]).await;
    let _alone = alone(&test).await;
    let (admin, passwords) = (test.admin_options(), role_passwords());
    let many = (0..4).map(|_| migrate::migrate(&admin, &passwords, &MANIFESTS));
    for result in futures::future::join_all(many).await {
        result.unwrap();
    }
    migrate::check(&mut test.connect("dropmate_demo").await, &MANIFESTS).await.unwrap();
}

#[tokio::test]
async fn an_older_schema_is_refused_with_the_command_that_helps() {
    let test = TestDb::new(&[]).await;
    let mut conn = test.admin().await;
    let error = migrate::check(&mut conn, &MANIFESTS).await.unwrap_err();
    assert!(matches!(error, MigrationError::Older { found: 0, needed: 1, .. }), "{error}");
    assert!(
        error.to_string().contains("schema demo") && error.to_string().contains("run `dropmate migrate`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_the_check_and_by_migrating() {
    let test = TestDb::new(&MANIFESTS).await;
    let _alone = alone(&test).await;
    test.admin()
        .await
        .execute("INSERT INTO demo._migrations (version, description, success, checksum, execution_time) VALUES (2, 'later', true, 'x', 1)")
        .await
        .unwrap();
    let error = migrate::check(&mut test.connect("dropmate_demo").await, &MANIFESTS).await.unwrap_err();
    assert!(matches!(error, MigrationError::Newer { found: 2, needed: 1, .. }), "{error}");
    assert!(error.to_string().contains("start a newer DropMate"), "{error}");
    let error = migrate::migrate(&test.admin_options(), &role_passwords(), &MANIFESTS).await.unwrap_err();
    assert!(matches!(error, MigrationError::Newer { .. }), "an older program must not touch it: {error}");
}

#[tokio::test]
async fn an_edited_migration_is_refused_and_named() {
    let test = TestDb::new(&MANIFESTS).await;
    let _alone = alone(&test).await;
    let before = shape(&test).await;
    let error = migrate::migrate(&test.admin_options(), &role_passwords(), &demo(&EDITED)).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("schema demo") && said.contains("modified"), "{said}");
    assert!(said.contains("next version"), "it says what to do instead: {said}");
    assert_eq!(shape(&test).await, before);
}
