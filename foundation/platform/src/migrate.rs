//! Roles, schemas, migrations and grants: everything `dropmate migrate` does, idempotent.
//!
//! 1. The administrator (the role of `DATABASE_URL`) creates the roles and the schemas.
//! 2. The owner role runs the migrations of `platform`, `bus` and every service, each recorded in its own schema.
//! 3. The owner declares which service may publish which subject.
//!
//! An advisory lock makes concurrent starts wait for each other. `check` changes nothing and refuses a schema that is
//! older or newer than this program knows.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::service::Manifest;

static PLATFORM: Migrator = sqlx::migrate!("migrations/platform");
static BUS: Migrator = sqlx::migrate!("migrations/bus");

/// Any number; the same for every DropMate, so that two starts on one database wait for each other.
const MIGRATION_LOCK: i64 = 0x6472_6f70_6d61_7465;

/// The roles that exist besides one per service.
pub const OWNER: &str = "dropmate_owner";
/// The group of all service roles, also of services that own nothing durable.
pub const PROCESSES: &str = "dropmate_processes";
/// The group of the roles of services with a schema.
pub const SERVICES: &str = "dropmate_services";
/// What a service that owns nothing durable may read of the log: it passes it on to clients.
const PASSED_ON: &str = "bus.log_range(), bus.read_log(bigint, bigint, uuid, integer)";
/// The login of the sequencer, the audit sealer and other work that spans organisations.
pub const SYSTEM: &str = "dropmate_system";
/// The login that may read everything, for backups.
pub const BACKUP: &str = "dropmate_backup";

/// Why migrating failed, with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// PostgreSQL said no.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("schema {schema}: {source}")]
    Migration {
        /// The schema concerned.
        schema: String,
        /// What went wrong.
        source: MigrateError,
    },
    /// A migration was edited after it had been applied.
    #[error(
        "schema {schema}: migration {version} was modified after it had been applied: take the edit back and write \
             the change as the next version"
    )]
    Edited {
        /// The schema concerned.
        schema: String,
        /// The migration that differs.
        version: i64,
    },
    /// The schema is older than this program.
    #[error("schema {schema} is at version {found}, this program needs {needed}: run `dropmate migrate`")]
    Older {
        /// The schema concerned.
        schema: String,
        /// The version in the database (0: none).
        found: i64,
        /// The version this program was built with.
        needed: i64,
    },
    /// The schema is newer than this program.
    #[error(
        "schema {schema} is at version {found}, this program only knows {needed}: start a newer DropMate"
    )]
    Newer {
        /// The schema concerned.
        schema: String,
        /// The version in the database.
        found: i64,
        /// The version this program was built with.
        needed: i64,
    },
}

/// The passwords of the login roles, derived from one secret so that each process can be given only its own.
#[derive(Clone)]
pub struct RolePasswords {
    secret: SecretSlice<u8>,
    /// Of single roles, for a process that has no secret to derive them from.
    given: BTreeMap<String, SecretString>,
}

impl std::fmt::Debug for RolePasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RolePasswords")
    }
}

impl RolePasswords {
    /// From the installation's role secret (`<data>/secrets/database-roles`).
    pub fn new(secret: SecretSlice<u8>) -> Self {
        Self { secret, given: BTreeMap::new() }
    }

    /// With these instead of the derived ones.
    pub fn with(self, given: BTreeMap<String, SecretString>) -> Self {
        Self { given, ..self }
    }

    /// Only these, by role; every other role has none that a database would accept.
    pub fn only(given: BTreeMap<String, SecretString>) -> Self {
        Self { secret: Vec::new().into(), given }
    }

    /// Whether there is a password for this role.
    pub fn knows(&self, role: &str) -> bool {
        !self.secret.expose_secret().is_empty() || self.given.contains_key(role)
    }

    /// From the text of the secret file.
    pub fn from_text(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec().into())
    }

    /// What PostgreSQL stores for a role (RFC 5803): the password itself never travels.
    ///
    /// One iteration instead of 4,096: iterations slow down guessing of what people choose, and these are 256 random
    /// bits. With thousands, a client spends them in small steps, and opening a connection in a busy process took seconds.
    fn verifier(&self, role: &str) -> String {
        let salt = &self.mac(format!("salt of {role}").as_bytes())[..16];
        // The first block of PBKDF2 with one iteration: HMAC(password, salt || 1).
        let salted = hmac(self.password(role).as_bytes(), &[salt, &1_u32.to_be_bytes()].concat());
        let stored = Sha256::digest(hmac(&salted, b"Client Key"));
        let server = hmac(&salted, b"Server Key");
        let [salt, stored, server] = [salt, stored.as_slice(), &server].map(|bytes| STANDARD.encode(bytes));
        format!("SCRAM-SHA-256$1:{salt}${stored}:{server}")
    }

    fn mac(&self, text: &[u8]) -> Vec<u8> {
        hmac(self.secret.expose_secret(), text)
    }

    /// The password of one role: HMAC-SHA256 of its name, as hexadecimal digits.
    pub fn password(&self, role: &str) -> String {
        if let Some(given) = self.given.get(role) {
            return given.expose_secret().to_owned();
        }
        hex::encode(self.mac(role.as_bytes()))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// The login role of a service.
pub fn service_role(service: &str) -> String {
    format!("dropmate_{service}")
}

/// Brings roles, schemas and grants to what this program needs.
pub async fn migrate(
    admin: &PgConnectOptions,
    passwords: &RolePasswords,
    manifests: &[Manifest],
) -> Result<(), MigrationError> {
    let mut conn = PgConnection::connect_with(admin).await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(MIGRATION_LOCK).execute(&mut conn).await?;
    let result = migrate_locked(&mut conn, passwords, manifests).await;
    // Closing the session releases the lock, whatever happened.
    conn.close().await.ok();
    result
}

/// Creates the roles only. A backup holds their names but not them: they must be there before it is restored.
pub async fn prepare_roles(
    admin: &PgConnectOptions,
    passwords: &RolePasswords,
    manifests: &[Manifest],
) -> Result<(), MigrationError> {
    let mut conn = PgConnection::connect_with(admin).await?;
    let created = create_roles(&mut conn, passwords, manifests).await;
    conn.close().await.ok();
    created
}

async fn migrate_locked(
    conn: &mut PgConnection,
    passwords: &RolePasswords,
    manifests: &[Manifest],
) -> Result<(), MigrationError> {
    // First of all: an older program must not put its grants and subjects over those of a newer one.
    refuse_newer(&versions(conn).await?, manifests)?;
    create_roles(conn, passwords, manifests).await?;
    create_schemas(conn, manifests).await?;
    execute(conn, format!("SET ROLE {OWNER}")).await?;
    for (schema, migrator) in migrators(manifests) {
        run(conn, schema, migrator).await?;
    }
    declare_subjects(conn, manifests).await?;
    let passing_on = manifests.iter().filter(|manifest| manifest.migrations.is_none());
    for manifest in passing_on {
        let role = service_role(manifest.name);
        execute(conn, format!("GRANT EXECUTE ON FUNCTION {PASSED_ON} TO {role}")).await?;
    }
    execute(conn, "RESET ROLE".to_owned()).await?;
    Ok(())
}

fn refuse_newer(versions: &BTreeMap<String, i64>, manifests: &[Manifest]) -> Result<(), MigrationError> {
    for (schema, needed) in known_versions(manifests) {
        let found = versions.get(&schema).copied().unwrap_or(0);
        if found > needed {
            return Err(MigrationError::Newer { schema, found, needed });
        }
    }
    Ok(())
}

/// Refuses a database whose schemas are not exactly what this program knows. Changes nothing.
pub async fn check(conn: &mut PgConnection, manifests: &[Manifest]) -> Result<(), MigrationError> {
    let versions = versions(conn).await?;
    refuse_newer(&versions, manifests)?;
    for (schema, needed) in known_versions(manifests) {
        let found = versions.get(&schema).copied().unwrap_or(0);
        if found < needed {
            return Err(MigrationError::Older { schema, found, needed });
        }
    }
    Ok(())
}

/// The newest applied version per schema. Readable by every service role.
pub async fn versions(conn: &mut PgConnection) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let schemas: Vec<String> = sqlx::query_scalar(
        "SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relname = '_migrations' AND c.relkind = 'r'
            AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut versions = BTreeMap::new();
    for schema in schemas {
        let sql = format!("SELECT coalesce(max(version), 0) FROM {schema}._migrations WHERE success");
        let version: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *conn).await?;
        versions.insert(schema, version);
    }
    Ok(versions)
}

fn migrators(manifests: &[Manifest]) -> Vec<(&str, &'static Migrator)> {
    let own = manifests.iter().filter_map(|manifest| Some((manifest.name, manifest.migrations?)));
    [("platform", &PLATFORM), ("bus", &BUS)].into_iter().chain(own).collect()
}

async fn run(
    conn: &mut PgConnection,
    schema: &str,
    migrator: &'static Migrator,
) -> Result<(), MigrationError> {
    let mut own = Migrator { ignore_missing: true, locking: false, ..Migrator::DEFAULT };
    own.migrations = migrator.migrations.clone();
    own.dangerous_set_table_name(format!("{schema}._migrations"));
    own.run_direct(None, conn, false).await.map_err(|source| match source {
        MigrateError::VersionMismatch(version) => {
            MigrationError::Edited { schema: schema.to_owned(), version }
        }
        source => MigrationError::Migration { schema: schema.to_owned(), source },
    })?;
    // Who starts must be able to see which version it starts on.
    execute(conn, format!("GRANT SELECT ON {schema}._migrations TO {PROCESSES}, {SERVICES}, {SYSTEM}"))
        .await?;
    Ok(())
}

async fn create_roles(
    conn: &mut PgConnection,
    passwords: &RolePasswords,
    manifests: &[Manifest],
) -> Result<(), MigrationError> {
    create_role(conn, OWNER, "NOLOGIN").await?;
    create_role(conn, PROCESSES, "NOLOGIN").await?;
    create_role(conn, SERVICES, "NOLOGIN").await?;
    execute(conn, format!("GRANT {OWNER} TO CURRENT_USER")).await?;
    let services = manifests.iter().map(|manifest| service_role(manifest.name));
    for role in services.chain([SYSTEM.to_owned(), BACKUP.to_owned()]) {
        create_role(conn, &role, "LOGIN NOCREATEDB NOCREATEROLE NOINHERIT").await?;
        let password = passwords.verifier(&role);
        execute(conn, format!("ALTER ROLE {role} WITH PASSWORD '{password}'")).await?;
    }
    for manifest in manifests {
        let role = service_role(manifest.name);
        let groups = if manifest.migrations.is_some() {
            format!("{PROCESSES}, {SERVICES}")
        } else {
            PROCESSES.to_owned()
        };
        execute(conn, format!("ALTER ROLE {role} INHERIT; GRANT {groups} TO {role}")).await?;
    }
    // Only a superuser may grant this; a managed database backs itself up.
    if let Err(error) = execute(conn, format!("ALTER ROLE {BACKUP} BYPASSRLS")).await {
        tracing::info!(%error, "the backup role could not be given BYPASSRLS");
    }
    execute(conn, format!("ALTER ROLE {BACKUP} INHERIT; GRANT pg_read_all_data TO {BACKUP}")).await.ok();
    Ok(())
}

async fn create_role(conn: &mut PgConnection, role: &str, options: &str) -> Result<(), sqlx::Error> {
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(role)
        .fetch_one(&mut *conn)
        .await?;
    if exists { Ok(()) } else { execute(conn, format!("CREATE ROLE {role} {options}")).await }
}

async fn create_schemas(conn: &mut PgConnection, manifests: &[Manifest]) -> Result<(), sqlx::Error> {
    let mut schemas = vec![("platform", None), ("bus", None)];
    schemas.extend(
        manifests
            .iter()
            .filter(|manifest| manifest.migrations.is_some())
            .map(|manifest| (manifest.name, Some(service_role(manifest.name)))),
    );
    for (schema, role) in schemas {
        execute(conn, format!("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {OWNER}")).await?;
        let user = role
            .map_or_else(|| format!("{PROCESSES}, {SERVICES}, {SYSTEM}"), |role| format!("{role}, {SYSTEM}"));
        execute(conn, format!("GRANT USAGE ON SCHEMA {schema} TO {user}")).await?;
    }
    execute(conn, "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned()).await
}

async fn declare_subjects(conn: &mut PgConnection, manifests: &[Manifest]) -> Result<(), sqlx::Error> {
    for manifest in manifests {
        sqlx::query(
            "INSERT INTO bus.subjects (subject, source) SELECT unnest($1::text[]), $2
             ON CONFLICT (subject) DO UPDATE SET source = excluded.source",
        )
        .bind(manifest.subjects)
        .bind(manifest.name)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Runs statements that are built from names in code, never from input.
async fn execute(conn: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    conn.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

/// The highest version of each schema that this program knows, for `dropmate migrate --check`.
pub fn known_versions(manifests: &[Manifest]) -> BTreeMap<String, i64> {
    migrators(manifests)
        .into_iter()
        .map(|(schema, migrator)| {
            let version = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
            (schema.to_owned(), version)
        })
        .collect()
}

/// The checksums of all migrations in order, per schema: what a prepared template depends on.
pub fn checksums(manifests: &[Manifest]) -> Vec<(String, Vec<Vec<u8>>)> {
    migrators(manifests)
        .into_iter()
        .map(|(schema, migrator)| {
            (schema.to_owned(), migrator.iter().map(|migration| migration.checksum.to_vec()).collect())
        })
        .collect()
}
