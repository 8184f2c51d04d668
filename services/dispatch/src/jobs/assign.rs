//! Tells orders who should have an order. Orders is the judge: what it refuses waits again.

use contracts::calls::AssignOrder;
use kernel::ids::{DecisionId, DriverId, OrderId};
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::refused::refused;
use crate::context::Dispatch;

/// One proposal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assign {
    /// The order.
    pub order_id: OrderId,
    /// Who should have it.
    pub driver_id: DriverId,
    /// Which attempt.
    pub attempt: u16,
    /// By which decision.
    pub decision_id: DecisionId,
}

impl Job for Assign {
    const NAME: &'static str = "dispatch.assign";
    const QUEUE: &'static str = "dispatch";
    const PRIORITY: i16 = 20;
    const MAX_ATTEMPTS: i16 = 30;
}

/// Binds the job to its handler.
pub fn kind(dispatch: Dispatch) -> JobKind {
    JobKind::new::<Assign, _>(move |context, job| {
        let dispatch = dispatch.clone();
        Box::pin(async move { run(&dispatch, &context, job).await }) as BoxFuture<'static, _>
    })
}

async fn run(dispatch: &Dispatch, context: &JobContext, job: Assign) -> Result<(), JobError> {
    let Assign { order_id, driver_id, attempt, decision_id } = job;
    let call = AssignOrder { order_id, driver_id, instead_of: None, attempt };
    let key = format!("{decision_id}/{order_id}");
    match dispatch.ground().peers.tell(&context.scope(), &key, &call).await {
        // The event says so to everybody, and to us.
        Ok(_) => Ok(()),
        Err(error) if error.kind().is_failure() => Err(error.into()),
        Err(refusal) => {
            tracing::info!(%order_id, code = refusal.code(), "orders refused an assignment; the order waits again");
            let mut tx = context.db.begin(&context.scope()).await?;
            refused(&mut tx, order_id, driver_id).await?;
            Ok(tx.commit().await?)
        }
    }
}
