//! The timer of recurring orders: each minute it makes what is due, in all organisations.

use std::time::{Duration, Instant};

use platform::Result;
use platform::db::{BoxFuture, Scope};
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use serde::{Deserialize, Serialize};

use crate::commands::recur;
use crate::context::Orders;
use crate::error::is_refusal;
use crate::store::recurrences::{self, Due};

const EVERY: Duration = Duration::from_mins(1);
/// Recurrences that are looked for at a time.
const AT_ONCE: usize = 200;
/// Steps of one recurrence at a time: one that is far behind keeps nobody waiting.
const STEPS: usize = 20;
/// How long one run goes on; then the next minute is near.
const ENOUGH: Duration = Duration::from_secs(30);

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MakeRecurring {}

impl Job for MakeRecurring {
    const NAME: &'static str = "orders.make_recurring";
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Every(EVERY), &MakeRecurring {})
}

/// Binds the job to its handler.
pub fn kind(context: Orders) -> JobKind {
    JobKind::new::<MakeRecurring, _>(move |job, _now| {
        let context = context.clone();
        Box::pin(async move { run(&context, &job).await }) as BoxFuture<'static, _>
    })
}

/// Each step is a transaction of its own. A failure of ours keeps one recurrence waiting, and not the others.
async fn run(context: &Orders, job: &JobContext) -> Result<(), JobError> {
    let begun = Instant::now();
    while begun.elapsed() < ENOUGH && !job.cancel.is_cancelled() {
        let mut tx = context.db().begin(&job.scope()).await?;
        let due = recurrences::due(&mut tx, AT_ONCE).await?;
        tx.rollback().await?;
        if due.is_empty() {
            break;
        }
        let mut failed = None;
        for one in due {
            let id = one.id;
            if let Err(error) = catch_up(context, job, one).await {
                tracing::warn!(recurrence_id = %id, error = %error.chain(), "a recurring order waits for its next attempt");
                failed = Some(error);
            }
        }
        if let Some(error) = failed {
            return Err(JobError::Retry(error));
        }
    }
    Ok(())
}

async fn catch_up(context: &Orders, job: &JobContext, one: Due) -> Result<()> {
    let scope = Scope { actor: one.created_by.clone(), ..job.scope().within(one.org) };
    for _ in 0..STEPS {
        if !step(context, &scope, &one).await? {
            break;
        }
    }
    Ok(())
}

/// One step. What an order was refused for is recorded in place of the order.
async fn step(context: &Orders, scope: &Scope, one: &Due) -> Result<bool> {
    let mut tx = context.db().begin(scope).await?;
    let refusal = match recur::advance(&mut tx, context, one.id).await {
        Ok(went) => {
            tx.commit().await?;
            return Ok(went);
        }
        Err(error) if is_refusal(&error) => error,
        Err(error) => return Err(error),
    };
    tx.rollback().await?;
    let mut tx = context.db().begin(scope).await?;
    recur::refuse(&mut tx, context, one.id, &refusal).await?;
    tx.commit().await?;
    Ok(true)
}
