//! What is true now: positions and presence. Newest wins, everything ends by itself, and whoever is interested hears of
//! changes at once.
//!
//! It is the ephemeral lane of design section 4: nothing in it is durable, and what is lost is sent again by its source
//! or read from the last batch of history. A store never fails; when a shared one is away, a process goes on with
//! what it knows itself.
//!
//! A value is named by topic, organisation and key, and carries the time of its source. An older one never replaces a
//! newer one, in whatever order they arrive; at the same time the first stays. A removal has a time like a value.

mod memory;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use kernel::ids::OrgId;
use kernel::time::Timestamp;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::db::BoxFuture;

pub use memory::{Hub, MemoryLive};

/// Which values of which organisation: `drivers` of a bakery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic {
    /// What kind of value.
    pub name: &'static str,
    /// Whose.
    pub org: OrgId,
}

/// One value, or that there is none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which one.
    pub key: String,
    /// Time of the source.
    pub at: Timestamp,
    /// `None`: it was removed.
    pub value: Option<Bytes>,
}

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A value is newer.
    Entry(Entry),
    /// Something may have been missed: list again.
    Missed,
}

/// Changes of one topic from now on.
#[derive(Debug)]
pub struct Subscription {
    changes: broadcast::Receiver<Change>,
}

impl Subscription {
    /// The next change; none when the store has ended.
    pub async fn next(&mut self) -> Option<Change> {
        match self.changes.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => Some(Change::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Newest-wins values with subscriptions.
pub trait Live: Send + Sync + fmt::Debug {
    /// Takes an entry unless a newer one is there; whether it was taken. It ends after `ttl`.
    fn put(&self, topic: Topic, entry: Entry, ttl: Duration) -> BoxFuture<'_, bool>;
    /// The newest value.
    fn get<'a>(&'a self, topic: Topic, key: &'a str) -> BoxFuture<'a, Option<Entry>>;
    /// All values of a topic, by key.
    fn list(&self, topic: Topic) -> BoxFuture<'_, Vec<Entry>>;
    /// Changes from now on. For a view without a gap: subscribe, then list.
    fn subscribe(&self, topic: Topic) -> Subscription;
}
