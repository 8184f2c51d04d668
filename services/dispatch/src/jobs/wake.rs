//! The timer of the reconcilers: every few seconds it wakes the queues in which something is due, should an event or a job
//! have been lost, and measures how long the queues are.

use std::time::Duration;

use kernel::ids::OrgId;
use platform::Result;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use serde::{Deserialize, Serialize};

use super::reconcile::Reconcile;
use crate::store::orders;

/// How many orders nobody has, by state of the queue.
pub const DEPTH: &str = "dropmate_dispatch_queue_orders";
/// How long the oldest of them has waited.
pub const AGE: &str = "dropmate_dispatch_queue_oldest_seconds";
const EVERY: Duration = Duration::from_secs(5);
const STATES: [&str; 4] = ["waiting", "offered", "proposed", "stuck"];

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wake {}

impl Job for Wake {
    const NAME: &'static str = "dispatch.wake";
    const QUEUE: &'static str = "dispatch";
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Every(EVERY), &Wake {})
}

/// Binds the job to its handler.
pub fn kind() -> JobKind {
    JobKind::new::<Wake, _>(|context, _job| Box::pin(run(context)) as BoxFuture<'static, _>)
}

async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.db.begin(&context.scope()).await?;
    let now = tx.now();
    let depth = orders::depth(&mut tx, now).await?;
    for state in STATES {
        let found = depth.iter().find(|(found, _, _)| found == state);
        let (count, age) = found.map_or((0, 0.0), |(_, count, age)| (*count, *age));
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metrics::gauge!(DEPTH, "state" => state).set(f64::from(count));
        metrics::gauge!(AGE, "state" => state).set(age);
    }
    for org in orders::organizations_due(&mut tx, now).await? {
        tx.enter(OrgId::new(org)).await?;
        Reconcile::enqueue(&mut tx).await?;
    }
    Ok(tx.commit().await?)
}
