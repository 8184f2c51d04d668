//! Makes the orders of a confirmed import, some rows at a time.

use kernel::ids::ImportId;
use platform::db::{BoxFuture, Scope};
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::import_rows;
use crate::context::Orders;
use crate::entities::import::Import;
use crate::store::imports;

/// Transactions of one job. Then another one goes on: a short job is soon taken up again when its worker died.
pub(super) const PARTS: usize = 20;

/// Which.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunImport {
    /// The import.
    pub import_id: ImportId,
}

impl Job for RunImport {
    const NAME: &'static str = "orders.run_import";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::NAME, self.import_id))
    }
}

/// Binds the job to its handler.
pub fn kind(context: Orders) -> JobKind {
    JobKind::new::<RunImport, _>(move |job, which| {
        let context = context.clone();
        Box::pin(async move { run(&context, &job, which.import_id).await }) as BoxFuture<'static, _>
    })
}

/// What is done stays done when the process ends in between; the next job goes on with the rows that are left.
async fn run(context: &Orders, job: &JobContext, id: ImportId) -> Result<(), JobError> {
    let Some(scope) = scope(context, job, id, |import| import.confirmed_by.clone()).await? else {
        return Ok(());
    };
    for part in 1..=PARTS {
        let mut tx = context.db().begin(&scope).await?;
        let more = import_rows::create_some(&mut tx, context, id).await?;
        let last = part == PARTS || job.cancel.is_cancelled();
        if more && last {
            tx.enqueue(&RunImport { import_id: id }).await?;
        }
        tx.commit().await?;
        if !more || last {
            break;
        }
    }
    Ok(())
}

/// The job acts in the name of whoever said so.
pub(super) async fn scope(
    context: &Orders,
    job: &JobContext,
    id: ImportId,
    by: impl Fn(&Import) -> Option<String>,
) -> Result<Option<Scope>, JobError> {
    let scope = job.scope();
    let mut tx = context.db().read(&scope).await?;
    let import = imports::find(&mut tx, id).await?;
    tx.rollback().await?;
    Ok(import.map(|import| Scope { actor: by(&import).unwrap_or_else(|| scope.actor.clone()), ..scope }))
}
