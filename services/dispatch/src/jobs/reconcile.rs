//! Goes over an organisation's queue, now or when something in it is due.

use kernel::ids::OrgId;
use kernel::time::Timestamp;
use platform::Result;
use platform::db::{BoxFuture, Tx};
use platform::jobs::{EnqueueOptions, Job, JobContext, JobError, JobKind};
use platform::{Error, Kind};
use serde::{Deserialize, Serialize};

use crate::commands::reconcile::{Round, reconcile};
use crate::context::Dispatch;

/// One round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reconcile {
    org: OrgId,
    /// The second at which it is due; `None`: now. Rounds for different moments are different jobs.
    at: Option<i64>,
}

impl Job for Reconcile {
    const NAME: &'static str = "dispatch.reconcile";
    const QUEUE: &'static str = "dispatch";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        let at = self.at.map_or_else(|| "now".to_owned(), |second| second.to_string());
        Some(format!("reconcile:{}:{at}", self.org.uuid()))
    }
}

impl Reconcile {
    /// As soon as this transaction has committed. One that waits already is enough: it will see what is written here.
    pub async fn enqueue(tx: &mut Tx) -> Result<()> {
        let org = tx.org()?;
        tx.enqueue(&Self { org, at: None }).await?;
        Ok(())
    }

    /// At this moment, or now when it is past. Rounds within one second are one, at its end.
    pub async fn enqueue_at(tx: &mut Tx, at: Timestamp) -> Result<()> {
        if at <= tx.now() {
            return Self::enqueue(tx).await;
        }
        let second = at.as_second() + 1;
        let run_at = Timestamp::from_second(second).map_err(Error::internal)?;
        let job = Self { org: tx.org()?, at: Some(second) };
        tx.enqueue_with(&job, EnqueueOptions { run_at: Some(run_at) }).await?;
        Ok(())
    }
}

/// Binds the job to its handler.
pub fn kind(dispatch: Dispatch) -> JobKind {
    JobKind::new::<Reconcile, _>(move |context, _job| {
        let dispatch = dispatch.clone();
        Box::pin(async move { run(&dispatch, &context).await }) as BoxFuture<'static, _>
    })
}

async fn run(dispatch: &Dispatch, context: &JobContext) -> Result<(), JobError> {
    match reconcile(dispatch, &context.scope()).await? {
        Round::Done(_) | Round::Asked => Ok(()),
        // What was decided in vain has to be decided by somebody.
        Round::Overtaken => {
            let busy = Error::new(Kind::TooMany, "busy", "Another process went over this queue.");
            Err(JobError::RetryAfter(std::time::Duration::from_secs(1), busy))
        }
    }
}
