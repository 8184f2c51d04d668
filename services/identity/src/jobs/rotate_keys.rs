//! Replaces the key that signs access tokens when its time is over, and destroys retired ones. Looks every ten minutes:
//! half as long as a key is published before it signs.

use std::time::Duration;

use platform::Result;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use serde::{Deserialize, Serialize};

use crate::context::Identity;
use crate::keys;

/// No input: it looks at the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RotateKeys {}

impl Job for RotateKeys {
    const NAME: &'static str = "identity.rotate_keys";
}

/// When it runs.
pub fn schedule() -> Result<Schedule> {
    Schedule::new(Spec::Every(Duration::from_mins(10)), &RotateKeys {})
}

/// Binds the job to its handler.
pub fn kind(identity: Identity) -> JobKind {
    JobKind::new::<RotateKeys, _>(move |context, _job| {
        Box::pin(run(identity.clone(), context)) as BoxFuture<'static, _>
    })
}

async fn run(identity: Identity, context: JobContext) -> Result<(), JobError> {
    if let Some(id) = keys::rotate_if_due(&identity, &context.scope()).await? {
        tracing::info!(signing_key_id = %id, "the next signing key is published and signs in 20 minutes");
    }
    Ok(())
}
