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
const PATIENCE: Duration = Duration::from_secs(5);

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
    let Some(connection) = take(&connect, shares).await? else {
        bail!(
            "another gateway runs on this database. More than one needs REDIS_URL or NATS_URL, in all of them: without it \
             each counts rate limits and holds live positions by itself"
        );
    };
    let mut connection = Some(connection);
    let life = lifecycle.clone();
    lifecycle.spawn(Stage::Http, "place of the gateway", TaskKind::Restart, move |stop| {
        let (mut held, connect, life) = (connection.take(), connect.clone(), life.clone());
        async move {
            while wait(LOOK, &stop).await == Waited::Elapsed {
                let alive = match &mut held {
                    Some(connection) => answers(connection).await,
                    None => false,
                };
                if alive {
                    continue;
                }
                // Dropped first: a half-open connection must not keep us out ourselves for longer than it has to.
                held = None;
                match take(&connect, shares).await {
                    Ok(Some(connection)) => held = Some(connection),
                    Ok(None) => {
                        life.fail("another gateway took over while this one was cut off from the database");
                        return Ok(());
                    }
                    Err(error) => {
                        tracing::debug!(error = format!("{error:#}"), "the place was not taken back yet");
                    }
                }
            }
            if let Some(connection) = held {
                connection.close().await.ok();
            }
            Ok::<_, platform::Error>(())
        }
    });
    Ok(())
}

async fn answers(connection: &mut PgConnection) -> bool {
    matches!(tokio::time::timeout(PATIENCE, connection.ping()).await, Ok(Ok(())))
}

/// The lock on a new connection; `None` when another one has had it for all the time that one may take to end.
async fn take(connect: &PgConnectOptions, shares: bool) -> Result<Option<PgConnection>> {
    let opened = tokio::time::timeout(PATIENCE, connect.connect()).await;
    let mut connection =
        opened.context("the database does not answer")?.context("the database cannot be reached")?;
    let sql =
        if shares { "SELECT pg_try_advisory_lock_shared($1)" } else { "SELECT pg_try_advisory_lock($1)" };
    let begun = Instant::now();
    loop {
        let taken: bool = sqlx::query_scalar(sql).bind(LOCK).fetch_one(&mut connection).await?;
        if taken {
            return Ok(Some(connection));
        }
        if begun.elapsed() > TAKEOVER {
            return Ok(None);
        }
        pause(AGAIN).await;
    }
}
