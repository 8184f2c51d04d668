//! A database per test, cloned from a template that is prepared once per set of migrations.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use kernel::random::Random;
use kernel::time::{ManualClock, SharedClock, Timestamp};
use platform::db::{Db, PoolOptions, SystemDb, Wake};
use platform::files::{Files, Folder};
use platform::migrate::{self, RolePasswords};
use platform::service::Manifest;
use platform::vault::{MasterKey, Vault};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// The moment at which every test begins.
pub const START: &str = "2026-11-20T12:00:00Z";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A database of its own with everything that services need around it. Dropped with its value.
#[derive(Debug)]
pub struct TestDb {
    admin: PgConnectOptions,
    name: String,
    passwords: RolePasswords,
    /// Business time; moved with `advance`, never slept.
    pub clock: ManualClock,
    /// The same draws in every run.
    pub random: Random,
    /// The bells of "this process".
    pub wake: Wake,
    /// Keys for sealed columns.
    pub vault: Vault,
}

fn master() -> MasterKey {
    MasterKey::new([7; 32])
}

impl TestDb {
    /// A fresh database with the platform, the bus and these services.
    pub async fn new(manifests: &[Manifest]) -> Self {
        Self::seeded(manifests, 42).await
    }

    /// The same with another seed.
    pub async fn seeded(manifests: &[Manifest], seed: u64) -> Self {
        Self::create(manifests, seed).await.unwrap_or_else(|error| panic!("the test database: {error:#}"))
    }

    async fn create(manifests: &[Manifest], seed: u64) -> anyhow::Result<Self> {
        let admin = PgConnectOptions::from_str(&crate::cluster::admin_url()?)?;
        let passwords = role_passwords();
        let template = template(&admin, &passwords, manifests).await?;
        let name = format!(
            "{}{}_{}",
            crate::cluster::TEST_PREFIX,
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        let mut conn = PgConnection::connect_with(&admin).await?;
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}"))).await?;
        conn.close().await?;
        let random = Random::seeded(seed);
        let vault = Vault::new(master(), random.clone());
        let start: Timestamp = START.parse()?;
        Ok(Self {
            admin,
            name,
            passwords,
            clock: ManualClock::at(start),
            random,
            wake: Wake::default(),
            vault,
        })
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect as the superuser.
    pub fn admin_options(&self) -> PgConnectOptions {
        self.admin.clone().database(&self.name)
    }

    /// How to connect as a role.
    pub fn options(&self, role: &str) -> PgConnectOptions {
        self.admin.clone().database(&self.name).username(role).password(&self.passwords.password(role))
    }

    /// A connection as the superuser, for assertions about what services cannot see.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect_with(&self.admin_options()).await.expect("the test database answers")
    }

    /// A connection as a role.
    pub async fn connect(&self, role: &str) -> PgConnection {
        PgConnection::connect_with(&self.options(role)).await.expect("the test database answers")
    }

    /// A service's connection.
    pub fn db(&self, service: &'static str) -> Db {
        self.db_with(service, PoolOptions { max_connections: 8, ..PoolOptions::default() })
    }

    /// A service's connection with other limits.
    pub fn db_with(&self, service: &'static str, options: PoolOptions) -> Db {
        let connect = self.options(&migrate::service_role(service));
        Db::new(service, connect, options, self.shared_clock(), self.random.clone(), self.wake.clone())
            .with_vault(self.vault.clone())
    }

    /// The vault of another process: the same keys, nothing cached.
    pub fn fresh_vault(&self) -> Vault {
        Vault::new(master(), self.random.clone())
    }

    /// Files in a folder, as a process of this database keeps them.
    pub fn files(&self, folder: &Path) -> Files {
        let store = Arc::new(Folder::new(folder.to_owned(), self.random.clone()));
        Files::new(store, self.vault.clone(), self.random.clone())
    }

    /// The system's connection.
    pub fn system(&self) -> SystemDb {
        let options = PoolOptions { max_connections: 4, ..PoolOptions::default() };
        SystemDb::new(self.options(migrate::SYSTEM), options, self.wake.clone())
    }

    /// Business time as services take it.
    pub fn shared_clock(&self) -> SharedClock {
        Arc::new(self.clock.clone())
    }

    /// Fails when an event or a due job is left behind. Every test that publishes or enqueues ends with it.
    pub async fn assert_nothing_left(&self) {
        let mut admin = self.admin().await;
        let left: Vec<String> = sqlx::query_scalar(
            "SELECT 'outbox: ' || subject FROM bus.outbox
             UNION ALL SELECT 'not consumed by ' || c.consumer || ': ' || l.subject
               FROM bus.cursors c JOIN bus.log l ON l.\"offset\" > c.last_offset AND l.subject = ANY (c.subjects)
             UNION ALL SELECT 'waiting for ' || consumer || ': ' || subject FROM bus.deferred
             UNION ALL SELECT 'job: ' || name || ' ' || state || coalesce(': ' || last_error, '')
               FROM platform.jobs WHERE state IN ('running', 'dead') OR (state = 'queued' AND run_at <= $1)",
        )
        .bind(platform::db::ToSqlx::to_sqlx(kernel::time::Clock::now(&self.clock)))
        .fetch_all(&mut admin)
        .await
        .expect("the test database answers");
        assert!(left.is_empty(), "left behind: {left:#?}");
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // Dropping needs a runtime of its own: the test's may be the thing that is being dropped.
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut conn = PgConnection::connect_with(&admin).await?;
                conn.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
                anyhow::Ok(())
            })
        });
        // What cannot be dropped now is dropped when the next run starts.
        dropped.join().ok();
    }
}

/// What the passwords of the roles of the test server are derived from: the same for every database on it.
pub const ROLE_SECRET: &str = "the roles of a test server belong to all its databases";

/// The passwords of the roles of the test server.
pub fn role_passwords() -> RolePasswords {
    RolePasswords::from_text(ROLE_SECRET)
}

/// The name of the template for these migrations; made if it is missing.
async fn template(
    admin: &PgConnectOptions,
    passwords: &RolePasswords,
    manifests: &[Manifest],
) -> anyhow::Result<String> {
    let name = format!("template_{}", fingerprint(manifests));
    let mut conn = PgConnection::connect_with(admin).await?;
    // Roles belong to the whole server, so preparing any template excludes preparing another.
    sqlx::query("SELECT pg_advisory_lock(4711)").execute(&mut conn).await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut conn)
        .await?;
    if !exists {
        let partial = format!("{name}_partial");
        conn.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {partial} WITH (FORCE)"))).await?;
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {partial}"))).await?;
        migrate::migrate(&admin.clone().database(&partial), passwords, manifests).await?;
        conn.execute(AssertSqlSafe(format!("ALTER DATABASE {partial} RENAME TO {name}"))).await?;
    }
    conn.close().await?;
    Ok(name)
}

fn fingerprint(manifests: &[Manifest]) -> String {
    let mut hash = Sha256::new();
    hash.update(ROLE_SECRET);
    for (schema, checksums) in migrate::checksums(manifests) {
        hash.update(schema.as_bytes());
        for checksum in checksums {
            hash.update(checksum);
        }
    }
    for manifest in manifests {
        hash.update(manifest.name.as_bytes());
        for subject in manifest.subjects {
            hash.update(subject.as_bytes());
        }
    }
    hex::encode(&hash.finalize()[..8])
}

/// A database with all migrations of the checkout, read from the files: for checking queries before anything builds.
pub async fn scratch(admin_url: &str) -> anyhow::Result<String> {
    let admin = PgConnectOptions::from_str(admin_url)?;
    let mut manifests = Vec::new();
    for entry in std::fs::read_dir(crate::cluster::workspace().join("services"))? {
        manifests.extend(manifest_of(&entry?.path()).await?);
    }
    manifests.sort_by_key(|manifest| manifest.name);
    let name = format!("{}scratch_{}", crate::cluster::TEST_PREFIX, std::process::id());
    let mut conn = PgConnection::connect_with(&admin).await?;
    conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    conn.close().await?;
    migrate::migrate(&admin.database(&name), &role_passwords(), &manifests).await?;
    let (base, query) = admin_url.split_once('?').unwrap_or((admin_url, ""));
    let base = base.strip_suffix("/postgres").context("the admin address names the database `postgres`")?;
    Ok(format!("{base}/{name}?{query}"))
}

async fn manifest_of(service: &Path) -> anyhow::Result<Option<Manifest>> {
    let migrations = service.join("migrations");
    let Some(name) = service.file_name().and_then(|name| name.to_str()).filter(|_| migrations.is_dir())
    else {
        return Ok(None);
    };
    // Read once per process, which then ends: leaking is the simplest honest lifetime.
    let migrator = Box::leak(Box::new(sqlx::migrate::Migrator::new(migrations.as_path()).await?));
    let name = Box::leak(name.to_owned().into_boxed_str());
    Ok(Some(Manifest { name, migrations: Some(migrator), subjects: &[], permissions: &[], sealed: &[] }))
}
