//! One gateway only, unless what gateways share is outside of them: without Redis or NATS each counts rate limits in its
//! own memory, and two would grant twice of everything.
//!
//! A session-level lock in the database says so, on a connection of its own: it ends with the process, however that ends,
//! so a restart never waits for a lease. A gateway that shares takes the lock shared, and so excludes only those that
//! do not.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use platform::lifecycle::{Lifecycle, Stage, TaskKind, Waited, pause, wait};
use platform::migrate;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::Process;

/// Any number, the same in every gateway.
const LOCK: i64 = 0x6472_6f70_6761_7465;
/// How long a start waits for one that is just ending.
const TAKEOVER: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(100);
/// How often the connection is looked at.
const LOOK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(3);

/// Takes the lock for as long as the process runs, or refuses to start.
pub(super) async fn hold(lifecycle: &Lifecycle, process: &Process) -> Result<()> {
    let config = process.settings.config();
    let shares = config.redis.url.is_some() || config.bus.nats_url.is_some();
    let role = migrate::service_role(::gateway::NAME);
    let connect = process.database.role(&role, &process.passwords).options([
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
    ]);
    let Some(place) = Place::take(&connect, shares, None).await? else {
        bail!(
            "another gateway runs on this database. More than one needs REDIS_URL or NATS_URL, in all of them: without it \
             each counts rate limits and holds live positions by itself"
        );
    };
    let mut place = Some(place);
    let life = lifecycle.clone();
    lifecycle.spawn(Stage::Http, "place of the gateway", TaskKind::Restart, move |stop| {
        let (mut held, connect, life) = (place.take(), connect.clone(), life.clone());
        let mut ghost = held.as_ref().map(|place| place.backend);
        async move {
            while wait(LOOK, &stop).await == Waited::Elapsed {
                let alive = match &mut held {
                    Some(place) => place.is_held().await,
                    None => false,
                };
                if alive {
                    continue;
                }
                held = None;
                match Place::take(&connect, shares, ghost).await {
                    Ok(Some(place)) => (ghost, held) = (Some(place.backend), Some(place)),
                    Ok(None) => {
                        life.fail("another gateway took over while this one was cut off from the database");
                        return Ok(());
                    }
                    Err(error) => {
                        tracing::debug!(error = format!("{error:#}"), "the place was not taken back yet");
                    }
                }
            }
            if let Some(place) = held {
                place.connection.close().await.ok();
            }
            Ok::<_, platform::Error>(())
        }
    });
    Ok(())
}

/// The session whose lock is the place.
struct Place {
    connection: PgConnection,
    backend: Backend,
}

/// A session of the server: its process, and when it began, because processes are numbered again.
type Backend = (i32, jiff_sqlx::Timestamp);

impl Place {
    /// On a new connection; `None` when another gateway has it for all the time that one may take to end. A session of
    /// our own that the server still believes in is ended first.
    async fn take(connect: &PgConnectOptions, shares: bool, ghost: Option<Backend>) -> Result<Option<Self>> {
        let opened = tokio::time::timeout(PATIENCE, connect.connect()).await;
        let opened = opened.context("the database does not answer")?;
        let mut connection = opened.context("the database cannot be reached")?;
        if let Some((pid, begun)) = ghost {
            sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2")
                .bind(pid)
                .bind(begun)
                .execute(&mut connection)
                .await?;
        }
        let sql =
            if shares { "SELECT pg_try_advisory_lock_shared($1)" } else { "SELECT pg_try_advisory_lock($1)" };
        let begun = Instant::now();
        loop {
            let taken: bool = sqlx::query_scalar(sql).bind(LOCK).fetch_one(&mut connection).await?;
            if taken {
                break;
            }
            if begun.elapsed() > TAKEOVER {
                return Ok(None);
            }
            pause(AGAIN).await;
        }
        let backend =
            sqlx::query_as("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()");
        let backend = backend.fetch_one(&mut connection).await?;
        Ok(Some(Self { connection, backend }))
    }

    async fn is_held(&mut self) -> bool {
        matches!(tokio::time::timeout(PATIENCE, self.connection.ping()).await, Ok(Ok(())))
    }
}
