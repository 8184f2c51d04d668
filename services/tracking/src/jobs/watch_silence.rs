//! Looks for drivers who have fallen silent, every 30 seconds.

use std::time::Duration;

use platform::Result;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use serde::{Deserialize, Serialize};

use crate::commands::silence::watch;
use crate::context::Tracking;

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WatchSilence {}

impl Job for WatchSilence {
    const NAME: &'static str = "tracking.watch_silence";
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Every(Duration::from_secs(30)), &WatchSilence {})
}

/// Binds the job to its handler.
pub fn kind(tracking: Tracking) -> JobKind {
    JobKind::new::<WatchSilence, _>(move |context, _job| {
        Box::pin(run(tracking.clone(), context)) as BoxFuture<'static, _>
    })
}

async fn run(tracking: Tracking, context: JobContext) -> Result<(), JobError> {
    let told = watch(&tracking, &context.scope()).await?;
    if told > 0 {
        tracing::info!(drivers = told, "drivers have fallen silent");
    }
    Ok(())
}
