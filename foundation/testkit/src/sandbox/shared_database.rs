//! A database of the test run's PostgreSQL for the processes of one sandbox.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// An empty database; dropped with its value.
#[derive(Debug)]
pub(super) struct SharedDatabase {
    admin: PgConnectOptions,
    name: String,
}

impl SharedDatabase {
    pub(super) async fn create() -> anyhow::Result<Self> {
        let admin = PgConnectOptions::from_str(&crate::cluster::admin_url()?)?;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}sandbox_{}_{number}", crate::cluster::TEST_PREFIX, std::process::id());
        let mut conn = PgConnection::connect_with(&admin).await?;
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        conn.close().await?;
        Ok(Self { admin, name })
    }

    /// Keeps others from changing the roles of the server, which belong to all databases, for as long as the value lives.
    pub(super) async fn lock_roles(&self) -> anyhow::Result<PgConnection> {
        let mut conn = PgConnection::connect_with(&self.admin).await?;
        conn.execute("SELECT pg_advisory_lock(4711)").await?;
        Ok(conn)
    }

    /// As the superuser.
    pub(super) fn admin_options(&self) -> PgConnectOptions {
        self.admin.clone().database(&self.name)
    }

    /// For the command that migrates: with the superuser's name and password.
    pub(super) fn admin_url(&self) -> anyhow::Result<String> {
        let url = crate::cluster::admin_url()?;
        let (base, query) = url.split_once('?').unwrap_or((&url, ""));
        let base =
            base.strip_suffix("/postgres").context("the admin address names the database `postgres`")?;
        Ok(format!("{base}/{}?{query}", self.name))
    }

    /// For a service: no name, no password.
    pub(super) fn url(&self) -> anyhow::Result<String> {
        let socket = self.admin.get_socket().context("the test PostgreSQL listens on a socket")?;
        Ok(format!("postgres:///{}?host={}&port={}", self.name, socket.display(), self.admin.get_port()))
    }

    /// The same through a proxy.
    pub(super) fn url_through(&self, proxy: std::net::SocketAddr) -> String {
        format!("postgres://{proxy}/{}", self.name)
    }

    /// Where a proxy finds the server.
    pub(super) fn socket(&self) -> anyhow::Result<PathBuf> {
        let folder = self.admin.get_socket().context("the test PostgreSQL listens on a socket")?;
        Ok(folder.join(format!(".s.PGSQL.{}", self.admin.get_port())))
    }
}

impl Drop for SharedDatabase {
    fn drop(&mut self) {
        // A runtime of its own: the test's may be the thing that is being dropped.
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
