//! Makes the days of the history to come and removes those that nobody keeps, every hour.

use std::time::Duration;

use platform::Result;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use serde::{Deserialize, Serialize};

use crate::store::positions;

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeepPositions {}

impl Job for KeepPositions {
    const NAME: &'static str = "tracking.keep_positions";
    const PRIORITY: i16 = -10;
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Every(Duration::from_hours(1)), &KeepPositions {})
}

/// Binds the job to its handler.
pub fn kind() -> JobKind {
    JobKind::new::<KeepPositions, _>(|context, _job| Box::pin(run(context)) as BoxFuture<'static, _>)
}

async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.db.begin(&context.scope()).await?;
    let now = tx.now();
    let made = positions::ensure_days(&mut tx, now).await?;
    tx.commit().await?;
    let mut tx = context.db.begin(&context.scope()).await?;
    let dropped = positions::drop_days(&mut tx, now).await?;
    tx.commit().await?;
    tracing::info!(made, dropped, "the days of the history were kept");
    Ok(())
}
