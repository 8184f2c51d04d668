//! Lets one organisation learn how long things take.

use std::time::Duration;

use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::learn::train;
use crate::context::Tracking;

/// Of the organisation to which the job belongs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LearnEta {}

impl Job for LearnEta {
    const NAME: &'static str = "tracking.learn_eta";
    const PRIORITY: i16 = -10;
    const TIMEOUT: Duration = Duration::from_mins(5);

    fn unique_key(&self) -> Option<String> {
        Some("eta".to_owned())
    }
}

/// Binds the job to its handler.
pub fn kind(tracking: Tracking) -> JobKind {
    JobKind::new::<LearnEta, _>(move |context, _job| {
        Box::pin(run(tracking.clone(), context)) as BoxFuture<'static, _>
    })
}

async fn run(tracking: Tracking, context: JobContext) -> Result<(), JobError> {
    let deliveries = train(&tracking, &context.scope()).await?;
    tracing::info!(deliveries, "expected times were learned, where there was enough to learn from");
    Ok(())
}
