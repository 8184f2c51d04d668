//! Ends an offer that was not answered in time.

use kernel::ids::OfferId;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::offers;

/// Which.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExpireOffer {
    /// The offer.
    pub offer_id: OfferId,
}

impl Job for ExpireOffer {
    const NAME: &'static str = "dispatch.expire_offer";
    const QUEUE: &'static str = "dispatch";
}

/// Binds the job to its handler.
pub fn kind() -> JobKind {
    JobKind::new::<ExpireOffer, _>(|context, job| Box::pin(run(context, job)) as BoxFuture<'static, _>)
}

async fn run(context: JobContext, job: ExpireOffer) -> Result<(), JobError> {
    let mut tx = context.db.begin(&context.scope()).await?;
    offers::expire(&mut tx, job.offer_id).await?;
    Ok(tx.commit().await?)
}
