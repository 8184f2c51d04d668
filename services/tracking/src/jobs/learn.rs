//! Lets each organisation learn from what was delivered, every night, and forgets what is too old to learn from.

use kernel::time::SignedDuration;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

use super::learn_doors::LearnDoors;
use super::learn_eta::LearnEta;
use crate::store::{doors, legs, predictions};

/// Where nothing was delivered for so long nothing new can be learned: two nights, in case one was missed.
const NEW: SignedDuration = SignedDuration::from_hours(49);
/// How long predictions, ways and hand-overs are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 180);

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learn {}

impl Job for Learn {
    const NAME: &'static str = "tracking.learn";
    const PRIORITY: i16 = -10;
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Cron("20 3 * * * UTC"), &Learn {})
}

/// Binds the job to its handler.
pub fn kind() -> JobKind {
    JobKind::new::<Learn, _>(|context, _job| Box::pin(run(context)) as BoxFuture<'static, _>)
}

async fn run(context: JobContext) -> Result<(), JobError> {
    let scope = context.scope();
    let mut tx = context.db.begin(&scope).await?;
    let now = tx.now();
    let kept = now.checked_sub(KEPT).map_err(Error::internal)?;
    let forgotten =
        predictions::drop_before(&mut tx, kept).await? + doors::drop_before(&mut tx, kept).await?;
    let orgs = legs::orgs(&mut tx, now.checked_sub(NEW).map_err(Error::internal)?).await?;
    tx.commit().await?;
    for org in &orgs {
        let mut tx = context.db.begin(&scope.within(*org)).await?;
        tx.enqueue(&LearnEta {}).await?;
        tx.enqueue(&LearnDoors {}).await?;
        tx.commit().await?;
    }
    tracing::info!(organizations = orgs.len(), forgotten, "organisations learn from what they delivered");
    Ok(())
}
