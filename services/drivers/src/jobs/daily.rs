//! Looks once a day, just after midnight UTC, at drivers whose required document has run out and at shifts that have come
//! within the week of which events tell.

use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::commands::daily::look;
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::domain::shift::TOLD;
use crate::store::drivers;

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Daily {}

impl Job for Daily {
    const NAME: &'static str = "drivers.daily";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Cron("5 0 * * * UTC"), &Daily {})
}

/// Binds the job to its handler.
pub fn kind(context: Drivers) -> JobKind {
    JobKind::new::<Daily, _>(move |job, _daily| {
        let context = context.clone();
        Box::pin(async move { run(&context, &job).await }) as BoxFuture<'static, _>
    })
}

/// Each driver in a transaction of their own: what is done stays done when the process ends in between.
async fn run(context: &Drivers, job: &JobContext) -> Result<(), JobError> {
    let mut tx = context.db().begin(&job.scope()).await?;
    let now = tx.now();
    let until = now.checked_add(TOLD).map_err(Error::internal)?;
    let due = drivers::due(&mut tx, day(now), until).await?;
    tx.rollback().await?;
    let count = due.len();
    for (org, driver) in due {
        if job.cancel.is_cancelled() {
            return Err(JobError::Retry(Error::internal("stopped in between")));
        }
        let mut tx = context.db().begin(&job.scope().within(org)).await?;
        look(&mut tx, driver).await?;
        tx.commit().await?;
        context.roster().changed(org).await;
    }
    if count > 0 {
        tracing::info!(rows = count, "others were told of drivers about whom the day has changed something");
    }
    Ok(())
}
