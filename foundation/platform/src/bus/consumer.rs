//! What a service does when it hears an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::Event;
use kernel::ids::{EventId, OrgId, Uuid};
use kernel::time::Timestamp;

use crate::db::{BoxFuture, Tx};
use crate::{Error, Result};

/// One event as a consumer gets it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its place in the log.
    pub offset: i64,
    /// Its identity.
    pub event_id: EventId,
    /// The organisation; the transaction is already inside it.
    pub org: OrgId,
    /// `domain.action.version`.
    pub subject: String,
    /// The aggregate; events of one key arrive in the order of their versions.
    pub key: Uuid,
    /// The aggregate's version.
    pub version: i64,
    /// The event itself.
    pub payload: serde_json::Value,
    /// Who caused it.
    pub actor: String,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// Business time.
    pub occurred_at: Timestamp,
}

/// Where a consumer that is declared for the first time begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// With the oldest event that is kept: read models.
    Start,
    /// With the next event: reactions that would be wrong for the past.
    End,
}

type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a Delivery) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// A durable consumer: its name is its identity in the database and never changes.
#[derive(Clone)]
pub struct Consumer {
    pub(super) name: &'static str,
    pub(super) parts: i32,
    pub(super) from: StartFrom,
    pub(super) batch: i32,
    pub(super) max_attempts: i32,
    handlers: BTreeMap<&'static str, Handler>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer named `service.purpose`, reading from the start of the log in one partition.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            parts: 1,
            from: StartFrom::Start,
            batch: 100,
            max_attempts: 8,
            handlers: BTreeMap::new(),
        }
    }

    /// Handles one kind of event. The handler runs inside the transaction that also moves the cursor: what it writes
    /// and publishes happens once.
    pub fn on<E, F>(mut self, handler: F) -> Self
    where
        E: Event,
        F: for<'a> Fn(&'a mut Tx, &'a Delivery, E) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        let handler: Handler =
            Arc::new(move |tx, delivery| match serde_json::from_value::<E>(delivery.payload.clone()) {
                Ok(event) => handler(tx, delivery, event),
                Err(error) => Box::pin(async move { Err(Error::internal(error)) }),
            });
        self.handlers.insert(E::SUBJECT, handler);
        self
    }

    /// Spreads the keys over `parts` cursors, so that several instances work at once.
    pub fn partitioned(mut self, parts: i32) -> Self {
        self.parts = parts.max(1);
        self
    }

    /// Begins elsewhere than at the start of the log.
    pub fn starting_from(mut self, from: StartFrom) -> Self {
        self.from = from;
        self
    }

    /// How often an event is tried before it becomes a dead letter.
    pub fn max_attempts(mut self, attempts: i32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Its durable name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many cursors it has.
    pub fn parts(&self) -> i32 {
        self.parts
    }

    /// What it listens to.
    pub fn subjects(&self) -> Vec<&'static str> {
        self.handlers.keys().copied().collect()
    }

    pub(super) async fn handle(&self, tx: &mut Tx, delivery: &Delivery) -> Result<()> {
        match self.handlers.get(delivery.subject.as_str()) {
            Some(handler) => handler(tx, delivery).await,
            None => Ok(()),
        }
    }
}
