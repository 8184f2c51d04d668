//! Calls off the orders of an import, some rows at a time.

use kernel::ids::ImportId;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use super::run_import::{PARTS, scope};
use crate::commands::import_rows;
use crate::context::Orders;

/// Which.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UndoImport {
    /// The import.
    pub import_id: ImportId,
}

impl Job for UndoImport {
    const NAME: &'static str = "orders.undo_import";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::NAME, self.import_id))
    }
}

/// Binds the job to its handler.
pub fn kind(context: Orders) -> JobKind {
    JobKind::new::<UndoImport, _>(move |job, which| {
        let context = context.clone();
        Box::pin(async move { run(&context, &job, which.import_id).await }) as BoxFuture<'static, _>
    })
}

async fn run(context: &Orders, job: &JobContext, id: ImportId) -> Result<(), JobError> {
    let Some(scope) = scope(context, job, id, |import| import.undone_by.clone()).await? else {
        return Ok(());
    };
    for part in 1..=PARTS {
        let mut tx = context.db().begin(&scope).await?;
        let (gone, more) = import_rows::undo_some(&mut tx, context, id).await?;
        let last = part == PARTS || job.cancel.is_cancelled();
        if more && last {
            tx.enqueue(&UndoImport { import_id: id }).await?;
        }
        tx.commit().await?;
        for order in gone {
            context.forget(scope.org, order).await;
        }
        if !more || last {
            break;
        }
    }
    Ok(())
}
