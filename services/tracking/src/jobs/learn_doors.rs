//! Lets one organisation learn where doors are.

use std::time::Duration;

use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::doors::learn;
use crate::context::Tracking;

/// Of the organisation to which the job belongs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LearnDoors {}

impl Job for LearnDoors {
    const NAME: &'static str = "tracking.learn_doors";
    const PRIORITY: i16 = -10;
    const TIMEOUT: Duration = Duration::from_mins(5);

    fn unique_key(&self) -> Option<String> {
        Some("doors".to_owned())
    }
}

/// Binds the job to its handler.
pub fn kind(tracking: Tracking) -> JobKind {
    JobKind::new::<LearnDoors, _>(move |context, _job| {
        Box::pin(run(tracking.clone(), context)) as BoxFuture<'static, _>
    })
}

async fn run(tracking: Tracking, context: JobContext) -> Result<(), JobError> {
    let doors = learn(&tracking, &context.scope()).await?;
    tracing::info!(doors, "doors were learned");
    Ok(())
}
