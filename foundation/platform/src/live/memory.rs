//! The live store of one process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::time::{SharedClock, Timestamp};
use tokio::sync::broadcast;

use super::{Change, Entry, Live, Subscription, Topic};
use crate::cache::ends;
use crate::db::BoxFuture;

/// Changes that a slow subscriber may be behind; then it is told to list again.
const BEHIND: usize = 256;
/// When so many entries were added, those that have ended are forgotten.
const SWEEP_EVERY: usize = 10_000;

/// Hands changes to the subscribers of this process.
#[derive(Debug, Default)]
pub struct Hub {
    topics: Mutex<HashMap<Topic, broadcast::Sender<Change>>>,
}

impl Hub {
    /// Changes of a topic from now on.
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.retain(|_, sender| sender.receiver_count() > 0);
        let sender = topics.entry(topic).or_insert_with(|| broadcast::channel(BEHIND).0);
        Subscription { changes: sender.subscribe() }
    }

    /// Tells the subscribers of a topic.
    pub fn tell(&self, topic: Topic, change: Change) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(&topic) {
            // Nobody listens any more: nobody misses it.
            sender.send(change).ok();
        }
    }

    /// Whether anybody listens to a topic.
    pub fn has_subscribers(&self, topic: Topic) -> bool {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.get(&topic).is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Tells everybody to list again.
    pub fn tell_missed(&self) {
        for sender in self.topics.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sender.send(Change::Missed).ok();
        }
    }
}

#[derive(Debug)]
struct Held {
    ends: Timestamp,
    entry: Entry,
}

/// Values in the memory of this process. Cloning shares them.
#[derive(Clone)]
pub struct MemoryLive {
    clock: SharedClock,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    hub: Hub,
    values: Mutex<Values>,
}

#[derive(Default)]
struct Values {
    topics: HashMap<Topic, BTreeMap<String, Held>>,
    /// Since the last sweep.
    added: usize,
}

impl Values {
    fn sweep(&mut self, now: Timestamp) {
        self.added = 0;
        for entries in self.topics.values_mut() {
            entries.retain(|_, held| now < held.ends);
        }
        self.topics.retain(|_, entries| !entries.is_empty());
    }
}

impl std::fmt::Debug for MemoryLive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryLive")
    }
}

impl MemoryLive {
    /// With this clock, which says when values end.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, shared: Arc::default() }
    }

    /// The subscribers of this process.
    pub fn hub(&self) -> &Hub {
        &self.shared.hub
    }

    /// How many entries are held, removed and ended ones included.
    pub fn len(&self) -> usize {
        self.values().topics.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The newest entry, also when it is a removal.
    pub fn newest(&self, topic: Topic, key: &str) -> Option<Entry> {
        let now = self.clock.now();
        let values = self.values();
        values.topics.get(&topic)?.get(key).filter(|held| now < held.ends).map(|held| held.entry.clone())
    }

    /// All entries of a topic with removals.
    pub fn all(&self, topic: Topic) -> Vec<Entry> {
        let now = self.clock.now();
        let values = self.values();
        let held = values.topics.get(&topic).into_iter().flat_map(BTreeMap::values);
        held.filter(|held| now < held.ends).map(|held| held.entry.clone()).collect()
    }

    /// Takes an entry unless a newer one is there; whether it was taken. Subscribers are told.
    pub fn take(&self, topic: Topic, entry: Entry, ttl: Duration) -> bool {
        let now = self.clock.now();
        let mut values = self.values();
        if values.added >= SWEEP_EVERY {
            values.sweep(now);
        }
        values.added += 1;
        let entries = values.topics.entry(topic).or_default();
        let newer = entries.get(&entry.key).is_none_or(|held| now >= held.ends || held.entry.at < entry.at);
        if newer {
            entries.insert(entry.key.clone(), Held { ends: ends(now, ttl), entry: entry.clone() });
            // Under the lock: subscribers hear the order in which entries were taken.
            self.shared.hub.tell(topic, Change::Entry(entry));
        }
        newer
    }

    fn values(&self) -> MutexGuard<'_, Values> {
        self.shared.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live for MemoryLive {
    fn put(&self, topic: Topic, entry: Entry, ttl: Duration) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(self.take(topic, entry, ttl)))
    }

    fn get<'a>(&'a self, topic: Topic, key: &'a str) -> BoxFuture<'a, Option<Entry>> {
        let found = self.newest(topic, key).filter(|entry| entry.value.is_some());
        Box::pin(std::future::ready(found))
    }

    fn list(&self, topic: Topic) -> BoxFuture<'_, Vec<Entry>> {
        let found = self.all(topic).into_iter().filter(|entry| entry.value.is_some()).collect();
        Box::pin(std::future::ready(found))
    }

    fn subscribe(&self, topic: Topic) -> Subscription {
        self.shared.hub.subscribe(topic)
    }
}
