//! Asks identity how a new driver is called and reached, and seals the answer.

use contracts::calls::PersonOf;
use kernel::ids::{DriverId, UserId};
use platform::audit::Entry;
use platform::db::BoxFuture;
use platform::jobs::{Job, JobContext, JobError, JobKind};
use platform::vault::Private;
use platform::{Kind, Result};
use serde::{Deserialize, Serialize};

use crate::commands::save::save;
use crate::context::Drivers;
use crate::entities::Personal;
use crate::store::drivers;

/// Which driver, and which account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LearnPerson {
    driver: DriverId,
    user: UserId,
}

impl LearnPerson {
    /// For a driver whose name is not known.
    pub fn new(driver: DriverId, user: UserId) -> Self {
        Self { driver, user }
    }
}

impl Job for LearnPerson {
    const NAME: &'static str = "drivers.learn_person";
    /// With the usual back-off more than a day.
    const MAX_ATTEMPTS: i16 = 40;

    fn unique_key(&self) -> Option<String> {
        Some(format!("person:{}", self.driver))
    }
}

/// Binds the job to its handler.
pub fn kind(context: Drivers) -> JobKind {
    JobKind::new::<LearnPerson, _>(move |job, asked| {
        let context = context.clone();
        Box::pin(async move { run(&context, &job, asked).await }) as BoxFuture<'static, _>
    })
}

async fn run(context: &Drivers, job: &JobContext, asked: LearnPerson) -> Result<(), JobError> {
    let scope = job.scope();
    let person = match context.peers().ask(&scope, &PersonOf { user_id: asked.user }).await {
        Ok(person) => person,
        // Not a member any more: there is nothing to learn.
        Err(error) if error.kind() == Kind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let personal = Personal {
        name: Some(Private::new(person.name)),
        phone: person.phone.map(Private::new),
        notes: None,
    };
    match write(context, job, asked.driver, personal).await {
        // Erased meanwhile: nothing may be known.
        Err(error) if error.code() == "erased" => Ok(()),
        other => Ok(other?),
    }
}

/// Somebody may have written name or number meanwhile: that stays.
async fn write(context: &Drivers, job: &JobContext, id: DriverId, learnt: Personal) -> Result<()> {
    let mut tx = context.db().begin(&job.scope()).await?;
    let Some(before) = drivers::lock(&mut tx, id).await? else { return Ok(()) };
    let known = drivers::open(&mut tx, context.vault(), &before).await?;
    if known.name.is_some() {
        return Ok(());
    }
    let personal = Personal { phone: known.phone.clone().or(learnt.phone), name: learnt.name, ..known };
    drivers::seal(&mut tx, context.vault(), id, &personal).await?;
    save(&mut tx, &before, before.plain.clone(), &["name", "phone"]).await?;
    let detail = serde_json::json!({ "changed": ["name", "phone"] });
    tx.audit(Entry::new("drivers.learn_person", "driver", id).detail(detail)).await?;
    let org = tx.org()?;
    tx.commit().await?;
    context.roster().changed(org).await;
    Ok(())
}
