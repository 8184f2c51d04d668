//! Deletes what nothing needs: uploads that were never kept, contents that were replaced, contents of erased people. The
//! content goes first, then the row: a sweep that is interrupted finds it again.

use jiff_sqlx::ToSqlx as _;
use kernel::ids::{FileId, Uuid};
use kernel::time::SignedDuration;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::{Files, ObjectName};
use crate::db::{BoxFuture, Db};
use crate::jobs::{Job, JobContext, JobError, JobKind, Schedule, Spec};
use crate::{Error, Result};

/// An upload is kept within seconds; a removed content stays so long for backups that are being made.
const GRACE: SignedDuration = SignedDuration::from_hours(24);
/// Files of one round.
const ROUND: i32 = 200;

/// No input: it looks at the rows of its service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepFiles {}

impl Job for SweepFiles {
    const NAME: &'static str = "platform.sweep_files";
    const PRIORITY: i16 = -10;
}

/// When a service with files sweeps.
pub fn sweep_schedule() -> Result<Schedule> {
    Schedule::new(Spec::Cron("41 * * * * UTC"), &SweepFiles {})
}

/// Binds the job to a service's files.
pub fn sweep_kind(files: Files) -> JobKind {
    JobKind::new::<SweepFiles, _>(move |context, _job| {
        let files = files.clone();
        Box::pin(async move { run(&files, &context).await }) as BoxFuture<'static, _>
    })
}

async fn run(files: &Files, context: &JobContext) -> Result<(), JobError> {
    let mut gone = 0;
    loop {
        let round = files.sweep(&context.db).await?;
        gone += round;
        if round < usize::try_from(ROUND).unwrap_or(0) || context.cancel.is_cancelled() {
            break;
        }
    }
    if gone > 0 {
        tracing::info!(rows = gone, "files that nothing needs were deleted");
    }
    Ok(())
}

impl Files {
    /// Deletes up to 200 files that nothing needs; how many it deleted.
    pub async fn sweep(&self, db: &Db) -> Result<usize> {
        let now = db.clock().now();
        let before = now.checked_sub(GRACE).map_err(Error::internal)?.to_sqlx();
        let doomed = sqlx::query("SELECT * FROM platform.files_doom($1, $1, $2, $3)")
            .bind(before)
            .bind(now.to_sqlx())
            .bind(ROUND)
            .fetch_all(db.pool())
            .await?;
        for row in &doomed {
            let (id, home): (Uuid, Uuid) = (row.try_get("id")?, row.try_get("org_id")?);
            self.store.delete(&ObjectName::new(db.service(), home, FileId::new(id))).await?;
            sqlx::query("SELECT platform.file_gone($1)").bind(id).execute(db.pool()).await?;
        }
        Ok(doomed.len())
    }
}
