//! Pools: one per service, under the service's own login role, with limits that end what hangs.

use std::time::Duration;

use kernel::random::Random;
use kernel::time::SharedClock;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

use super::session::Session;
use super::{BoxFuture, Scope, Tx, Wake};
use crate::vault::Vault;
use crate::{Error, Result};

/// How often a transaction is run again after a serialization failure or a deadlock.
const MAX_TRIES: u32 = 5;

/// A connection that was used so recently is taken as it is; what breaks meanwhile, the next statement tells.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long a connection may take to say that it is there.
const PING: Duration = Duration::from_secs(1);

/// Whether anybody is at the other end; an error makes the pool drop the connection without a farewell.
async fn answers(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(PING, conn.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_elapsed) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// Sizes and limits of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// Most connections at a time.
    pub max_connections: u32,
    /// Connections that are opened at once and kept. Opening one takes a few thousand rounds of hashing, in small steps
    /// that a busy process hardly gets to: a pool that has to grow under load keeps its callers waiting for seconds.
    pub warm_connections: u32,
    /// How long a request waits for a connection before it is answered with 503.
    pub acquire_timeout: Duration,
    /// The longest a single statement may run.
    pub statement_timeout: Duration,
    /// The longest a statement waits for a lock.
    pub lock_timeout: Duration,
    /// The longest a transaction may sit idle; ends what a paused process holds.
    pub idle_in_transaction_timeout: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 8,
            warm_connections: 0,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(30),
        }
    }
}

impl PoolOptions {
    fn pool(&self, connect: PgConnectOptions) -> PgPool {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let connect = connect.options([
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction_timeout)),
            ("timezone", "UTC".to_owned()),
            // A connection whose peer is gone is noticed within seconds, not hours.
            ("tcp_keepalives_idle", "10".to_owned()),
            ("tcp_keepalives_interval", "3".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
        ]);
        PgPoolOptions::new()
            .max_connections(self.max_connections)
            .min_connections(self.warm_connections.min(self.max_connections))
            .acquire_timeout(self.acquire_timeout)
            .idle_timeout(Duration::from_mins(5))
            .max_lifetime(Duration::from_mins(30))
            // The library's own tests have no time limit: a connection whose other end is gone would be waited for until
            // the caller gives up, and one that was given back in the middle of a statement would keep its place for ever.
            .test_before_acquire(false)
            .before_acquire(|conn, known| {
                Box::pin(async move { if known.idle_for < TRUSTED { Ok(true) } else { answers(conn).await } })
            })
            .after_release(|conn, _known| Box::pin(answers(conn)))
            .connect_lazy_with(connect)
    }
}

/// A service's connection to the database.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    service: &'static str,
    clock: SharedClock,
    random: Random,
    wake: Wake,
    vault: Option<Vault>,
}

impl Db {
    /// A pool under the login role that `connect` names. Connections are opened when they are needed.
    pub fn new(
        service: &'static str,
        connect: PgConnectOptions,
        options: PoolOptions,
        clock: SharedClock,
        random: Random,
        wake: Wake,
    ) -> Self {
        Self { pool: options.pool(connect), service, clock, random, wake, vault: None }
    }

    /// With the keys that seal stored answers; without them no idempotency key is accepted.
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// The keys that seal what the platform itself stores.
    pub(crate) fn vault(&self) -> Result<&Vault> {
        self.vault.as_ref().ok_or_else(|| Error::internal("this connection was given no vault"))
    }

    /// The service that owns the pool.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Business time.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// The source of identifiers and secrets.
    pub fn random(&self) -> &Random {
        &self.random
    }

    /// The bells of this process.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// The pool itself, for metrics and health checks. Business code begins a [`Tx`].
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction that may write.
    pub async fn begin(&self, scope: &Scope) -> Result<Tx> {
        self.begin_with(scope, "BEGIN", "").await
    }

    /// Begins a transaction that only reads, in one snapshot.
    pub async fn read(&self, scope: &Scope) -> Result<Tx> {
        self.begin_with(scope, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "").await
    }

    /// Begins with further statements in the same message. `and_then` is built from escaped literals by callers
    /// inside this crate.
    pub(crate) async fn begin_with(&self, scope: &Scope, begin: &str, and_then: &str) -> Result<Tx> {
        let org = scope.org.map(|org| org.uuid().to_string()).unwrap_or_default();
        let sql = format!("{begin}; SET LOCAL dropmate.org = '{org}'; {and_then}");
        let inner = Session::open(&self.pool, sql).await?;
        Ok(Tx::new(inner, scope.clone(), self.clone()))
    }

    /// Runs a transaction and commits it; runs it again when PostgreSQL reports a serialization failure or a deadlock.
    pub async fn run<T, F>(&self, scope: &Scope, mut work: F) -> Result<T>
    where
        T: Send,
        F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let result = match self.begin(scope).await {
                Ok(mut tx) => match work(&mut tx).await {
                    Ok(value) => tx.commit().await.map(|()| value),
                    Err(error) => {
                        // Now, not when dropped: the next try must not wait for the locks of this one.
                        tx.rollback().await.ok();
                        Err(error)
                    }
                },
                Err(error) => Err(error),
            };
            match result {
                Err(error) if error.is_transient() && tries < MAX_TRIES => {
                    tracing::debug!(tries, error = %error.chain(), "transaction is run again");
                }
                other => return other,
            }
        }
    }

    /// Closes the pool, for an orderly stop.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The connection for work that spans organisations: sequencer, audit sealer, erasure, metrics. Its own login, its own
/// small pool; no service has it.
#[derive(Debug, Clone)]
pub struct SystemDb {
    pool: PgPool,
    wake: Wake,
}

impl SystemDb {
    /// A pool under the system role.
    pub fn new(connect: PgConnectOptions, options: PoolOptions, wake: Wake) -> Self {
        Self { pool: options.pool(connect), wake }
    }

    /// The pool, for single statements that are functions of `bus` and `platform`.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The bells of this process.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Begins a transaction across organisations.
    pub async fn begin(&self) -> Result<SystemTx> {
        Ok(SystemTx { inner: Session::open(&self.pool, "BEGIN".to_owned()).await? })
    }

    /// Closes the pool, for an orderly stop.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction across organisations.
#[derive(Debug)]
pub struct SystemTx {
    inner: Session,
}

impl SystemTx {
    /// The connection inside the transaction.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.inner.conn()
    }

    /// Commits.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await.map_err(Error::from)
    }
}
