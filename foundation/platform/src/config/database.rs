//! Section `database`: PostgreSQL: yours when `url` is set, otherwise a private one that DropMate starts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// PostgreSQL: yours when `url` is set, otherwise a private one that DropMate starts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Connection URL of your PostgreSQL. Short name: `DATABASE_URL`. Not set: a private PostgreSQL is started.
    pub url: Option<Secret>,
    /// From it the passwords of the database roles are derived, when it is not `secrets/database-roles` in the data folder.
    pub role_secret: Option<Secret>,
    /// Folder with `initdb` and `postgres` for the private PostgreSQL. Short name: `DROPMATE_POSTGRES_BIN`.
    pub postgres_bin: Option<String>,
    /// `max_connections` of the private PostgreSQL.
    pub private_max_connections: u32,
    /// Most connections of one process to the database.
    pub pool_size: u32,
    /// How long a request waits for a free connection before it is answered with 503.
    pub acquire_timeout_ms: u32,
    /// A statement that runs longer is cancelled.
    pub statement_timeout_ms: u32,
    /// A statement that waits longer for a lock is cancelled.
    pub lock_timeout_ms: u32,
    /// A transaction that does nothing for this long is ended.
    pub idle_in_transaction_timeout_ms: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            role_secret: None,
            postgres_bin: None,
            private_max_connections: 100,
            pool_size: 8,
            acquire_timeout_ms: 5000,
            statement_timeout_ms: 30000,
            lock_timeout_ms: 5000,
            idle_in_transaction_timeout_ms: 30000,
        }
    }
}

impl Database {
    pub(super) fn validate(&self, p: &mut Problems) {
        if let Some(url) = &self.url {
            let text = url.expose();
            let right = text.starts_with("postgres://") || text.starts_with("postgresql://");
            p.check(right, "database.url", "must begin with postgres://");
        }
        if let Some(secret) = &self.role_secret {
            p.check(secret.expose().len() >= 32, "database.role_secret", "must have at least 32 characters");
        }
        p.range(self.private_max_connections, 20..=10_000, "database.private_max_connections");
        p.range(self.pool_size, 2..=1000, "database.pool_size");
        p.range(self.acquire_timeout_ms, 100..=60_000, "database.acquire_timeout_ms");
        p.range(self.statement_timeout_ms, 100..=3_600_000, "database.statement_timeout_ms");
        p.range(self.lock_timeout_ms, 10..=600_000, "database.lock_timeout_ms");
        p.range(
            self.idle_in_transaction_timeout_ms,
            1000..=3_600_000,
            "database.idle_in_transaction_timeout_ms",
        );
    }
}
