//! Tells orders, the only judge of where an order stands, that positions say the courier is there. The key is the same however
//! often it is told; when it does not apply any more, that is an answer as well.

use contracts::calls::ReportStep;
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use kernel::time::Timestamp;
use platform::Kind;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::context::Tracking;
use crate::domain::timeline::Stop;

/// An arrival that was noticed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReportArrival {
    /// Of which order.
    pub order_id: OrderId,
    /// Who is there.
    pub driver_id: DriverId,
    /// In which attempt.
    pub attempt: u16,
    /// Where.
    pub stop: Stop,
    /// When.
    pub at: Timestamp,
    /// Where exactly.
    pub position: Position,
}

impl ReportArrival {
    fn key(&self) -> String {
        format!("arrival:{}:{}:{}", self.order_id, self.attempt, self.stop.as_str())
    }
}

impl Job for ReportArrival {
    const NAME: &'static str = "tracking.report_arrival";
    /// A courier is waiting at a door.
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(self.key())
    }
}

/// Binds the job to its handler.
pub fn kind(tracking: Tracking) -> JobKind {
    JobKind::new::<ReportArrival, _>(move |context, job| {
        Box::pin(run(tracking.clone(), context, job)) as BoxFuture<'static, _>
    })
}

async fn run(tracking: Tracking, context: JobContext, job: ReportArrival) -> Result<(), JobError> {
    let step = ReportStep {
        order_id: job.order_id,
        driver_id: job.driver_id,
        status: job.stop.arrived(),
        at: job.at,
        position: job.position,
    };
    match tracking.ground().peers.tell(&context.scope(), &job.key(), &step).await {
        Ok(answer) => {
            tracing::debug!(moved = answer.moved, "an arrival was reported");
            Ok(())
        }
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
