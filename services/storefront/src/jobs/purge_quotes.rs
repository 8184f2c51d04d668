//! Removes quotes a day after they ended, once an hour.

use kernel::time::SignedDuration;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::store::quotes;

/// How long an ended quote is kept: somebody may ask why a fee was refused.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PurgeQuotes {}

impl Job for PurgeQuotes {
    const NAME: &'static str = "storefront.purge_quotes";
    const PRIORITY: i16 = -10;
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Cron("23 * * * * UTC"), &PurgeQuotes {})
}

/// Binds the job to its handler.
pub fn kind() -> JobKind {
    JobKind::new::<PurgeQuotes, _>(|context, _job| Box::pin(run(context)) as BoxFuture<'static, _>)
}

async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.db.begin(&context.scope()).await?;
    let before = tx.now().checked_sub(KEPT).map_err(Error::internal)?;
    let gone = quotes::purge(&mut tx, before).await?;
    tx.commit().await?;
    if gone > 0 {
        tracing::info!(rows = gone, "quotes that ended were removed");
    }
    Ok(())
}
