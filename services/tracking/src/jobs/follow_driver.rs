//! Looks again at what a driver has to do, after orders or the route have changed.

use kernel::ids::DriverId;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::follow::follow;
use crate::context::Tracking;

/// Of which driver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowDriver {
    /// The driver.
    pub driver_id: DriverId,
}

impl Job for FollowDriver {
    const NAME: &'static str = "tracking.follow_driver";
    const MAX_ATTEMPTS: i16 = 5;

    fn unique_key(&self) -> Option<String> {
        Some(format!("follow:{}", self.driver_id))
    }
}

/// Binds the job to its handler.
pub fn kind(tracking: Tracking) -> JobKind {
    JobKind::new::<FollowDriver, _>(move |context, job| {
        Box::pin(run(tracking.clone(), context, job)) as BoxFuture<'static, _>
    })
}

async fn run(tracking: Tracking, context: JobContext, job: FollowDriver) -> Result<(), JobError> {
    Ok(follow(&tracking, &context.scope(), job.driver_id, true).await?)
}
