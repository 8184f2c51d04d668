//! Being a member of the installation: this process's key is published while it runs.

use std::time::Duration;

use anyhow::Result;
use platform::auth::ServiceIdentity;
use platform::db::Db;
use platform::lifecycle::{Lifecycle, Stage, TaskKind, Waited, wait};

use crate::background::within;

/// How often the process says that it is still there.
const ANNOUNCE: Duration = Duration::from_secs(20);
/// How soon it says so again when the database was away.
const AGAIN: Duration = Duration::from_secs(1);
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Draws a key, publishes it and keeps it published until the process has answered its last request.
pub(super) async fn join(lifecycle: &Lifecycle, db: &Db) -> Result<ServiceIdentity> {
    let identity = ServiceIdentity::draw(db.service(), db.random(), db.clock().clone())?;
    identity.announce(db.pool()).await?;
    let (member, db) = (identity.clone(), db.clone());
    lifecycle.spawn(Stage::Workers, "announcement", TaskKind::Restart, move |stop| {
        let (member, db) = (member.clone(), db.clone());
        async move {
            let mut pause = ANNOUNCE;
            while wait(pause, &stop).await == Waited::Elapsed {
                pause = match within(LIMIT, member.announce(db.pool())).await {
                    Ok(()) => ANNOUNCE,
                    Err(error) => {
                        tracing::debug!(error = %error.chain(), "this process could not announce itself");
                        AGAIN
                    }
                };
            }
            within(LIMIT, member.leave(db.pool())).await
        }
    });
    Ok(identity)
}
