//! Forgets what an import holds about people when its time has come.

use kernel::ids::ImportId;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::commands::imports;
use crate::context::Orders;

/// Which.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClearImport {
    /// The import.
    pub import_id: ImportId,
}

impl Job for ClearImport {
    const NAME: &'static str = "orders.clear_import";
    const PRIORITY: i16 = -10;
}

/// Binds the job to its handler.
pub fn kind(context: Orders) -> JobKind {
    JobKind::new::<ClearImport, _>(move |job, which| {
        let context = context.clone();
        Box::pin(async move { run(&context, &job, which.import_id).await }) as BoxFuture<'static, _>
    })
}

async fn run(context: &Orders, job: &JobContext, import: ImportId) -> Result<(), JobError> {
    let mut tx = context.db().begin(&job.scope()).await?;
    imports::clear(&mut tx, context, import).await?;
    Ok(tx.commit().await?)
}
