//! What an operator decides about a dead letter, recorded in the audit trail of the event's organisation.

use kernel::ids::{EventId, OrgId};
use kernel::random::Random;
use kernel::time::SharedClock;
use sqlx::AssertSqlSafe;

use crate::Result;
use crate::audit::{Entry, OPERATOR};
use crate::db::{Scope, SystemDb};

/// An operator at the command line.
#[derive(Debug, Clone)]
pub struct Operator {
    system: SystemDb,
    clock: SharedClock,
    random: Random,
}

impl Operator {
    /// An operator on the system's connection.
    pub fn new(system: SystemDb, clock: SharedClock, random: Random) -> Self {
        Self { system, clock, random }
    }

    /// Tries a dead letter again; false when there is no such dead letter.
    pub async fn replay(&self, consumer: &str, event: EventId) -> Result<bool> {
        self.decide("bus.replay", consumer, event).await
    }

    /// Leaves a dead letter out for good; the events behind it go on. False when there is no such dead letter.
    pub async fn skip(&self, consumer: &str, event: EventId) -> Result<bool> {
        self.decide("bus.skip", consumer, event).await
    }

    /// `action` is the function of the database and the name in the trail.
    async fn decide(&self, action: &'static str, consumer: &str, event: EventId) -> Result<bool> {
        let mut tx = self.system.begin().await?;
        let org = sqlx::query_scalar(
            "SELECT org_id FROM bus.list_dead_letters() WHERE consumer = $1 AND event_id = $2",
        )
        .bind(consumer)
        .bind(event.uuid())
        .fetch_optional(tx.conn())
        .await?;
        let Some(org) = org.map(OrgId::new) else { return Ok(false) };
        let done: bool = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {action}($1, $2)")))
            .bind(consumer)
            .bind(event.uuid())
            .fetch_one(tx.conn())
            .await?;
        // Somebody else decided in between.
        if !done {
            return Ok(false);
        }
        let now = self.clock.now();
        let scope = Scope { actor: OPERATOR.to_owned(), ..Scope::system(org) };
        let entry = Entry::new(action, "event", event).detail(serde_json::json!({ "consumer": consumer }));
        tx.audit(self.random.id(now), now, &scope, entry).await?;
        tx.commit().await?;
        self.system.wake().ring_log();
        Ok(true)
    }
}
