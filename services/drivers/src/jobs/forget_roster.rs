//! Lets the kept list of drivers go after a consumer has changed one of them.

use kernel::ids::OrgId;
use platform::Result;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use serde::{Deserialize, Serialize};

use crate::context::Drivers;

/// Whose list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetRoster {
    org: OrgId,
}

impl ForgetRoster {
    /// Of this organisation.
    pub fn of(org: OrgId) -> Self {
        Self { org }
    }
}

impl Job for ForgetRoster {
    const NAME: &'static str = "drivers.forget_roster";

    fn unique_key(&self) -> Option<String> {
        Some(format!("roster:{}", self.org))
    }
}

/// Binds the job to its handler.
pub fn kind(context: Drivers) -> JobKind {
    JobKind::new::<ForgetRoster, _>(move |_job: JobContext, asked| {
        let context = context.clone();
        Box::pin(async move { run(&context, &asked).await }) as BoxFuture<'static, _>
    })
}

async fn run(context: &Drivers, asked: &ForgetRoster) -> Result<(), JobError> {
    context.roster().changed(asked.org).await;
    Ok(())
}
