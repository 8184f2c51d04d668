//! Removes old decisions, once a day.

use kernel::time::SignedDuration;
use platform::Result;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use serde::{Deserialize, Serialize};

use crate::store::decisions;

/// How long it can be asked why somebody got an order.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Purge {}

impl Job for Purge {
    const NAME: &'static str = "dispatch.purge";
    const PRIORITY: i16 = -10;
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Cron("43 3 * * * UTC"), &Purge {})
}

/// Binds the job to its handler.
pub fn kind() -> JobKind {
    JobKind::new::<Purge, _>(|context, _job| Box::pin(run(context)) as BoxFuture<'static, _>)
}

async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.db.begin(&context.scope()).await?;
    let before = tx.now().checked_sub(KEPT).map_err(platform::Error::internal)?;
    let gone = decisions::purge(&mut tx, before).await?;
    tx.commit().await?;
    tracing::info!(rows = gone, "old decisions were removed");
    Ok(())
}
