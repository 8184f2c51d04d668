//! Who listens for what: an event goes to the connections that listen for what it is about, and wakes no others.
//!
//! What is handed out together arrives together, and who gets the same shares it. Each connection has a queue of bounded
//! length; one that is full ends its connection.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::ids::OrgId;
use tokio::sync::mpsc;

use super::feed::Passing;
use super::hub::{Hub, Scanned};
use super::topic::Interest;

/// Events that may wait for one client when there are more of them.
pub(super) const QUEUE: usize = 512;

/// Events that were handed out together, in the order of the log.
pub(crate) type Batch = Arc<[Arc<Passing>]>;

/// What a connection hears from the hub. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Ear {
    incoming: Incoming,
    hub: Hub,
    org: OrgId,
    id: u64,
}

impl Ear {
    /// The end of a queue.
    pub(super) fn new(incoming: Incoming, hub: Hub, org: OrgId, id: u64) -> Self {
        Self { incoming, hub, org, id }
    }

    /// The next events, when there are some; `None` when the client is too slow. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        let events = self.incoming.batches.recv().await;
        self.incoming.taken(events)
    }

    /// Events that are there already.
    pub(crate) fn try_next(&mut self) -> Option<Batch> {
        let events = self.incoming.batches.try_recv().ok();
        self.incoming.taken(events)
    }

    /// Listens for this too: everything after the place that is returned is heard.
    pub(crate) fn attend(&self, interest: Interest) -> Scanned {
        self.hub.with_listeners(self.org, |listeners| listeners.attend(self.id, interest))
    }

    /// Listens for nothing but these any more.
    pub(crate) fn keep(&self, interests: &HashSet<Interest>) {
        self.hub.with_listeners(self.org, |listeners| listeners.keep(self.id, interests));
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.hub.with_listeners(self.org, |listeners| listeners.close(self.id));
    }
}

/// Where a connection takes its events from.
#[derive(Debug)]
pub(super) struct Incoming {
    batches: mpsc::UnboundedReceiver<Batch>,
    waiting: Arc<AtomicUsize>,
}

impl Incoming {
    fn taken(&self, events: Option<Batch>) -> Option<Batch> {
        if let Some(events) = &events {
            self.waiting.fetch_sub(events.len(), Ordering::Relaxed);
        }
        events
    }
}

#[derive(Debug)]
struct Queue {
    batches: mpsc::UnboundedSender<Batch>,
    /// Events that were not taken yet.
    waiting: Arc<AtomicUsize>,
    interests: HashSet<Interest>,
}

impl Queue {
    /// False when the client is too slow, or gone.
    fn push(&self, events: Batch) -> bool {
        let waiting = self.waiting.fetch_add(events.len(), Ordering::Relaxed);
        waiting <= QUEUE && self.batches.send(events).is_ok()
    }
}

/// The connections of one organisation.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    queues: HashMap<u64, Queue>,
    interested: HashMap<Interest, BTreeSet<u64>>,
}

impl Listeners {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.queues.len()
    }

    /// Another one, which listens for nothing yet.
    pub(super) fn open(&mut self, id: u64) -> Incoming {
        let (sender, batches) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let queue = Queue { batches: sender, waiting: Arc::clone(&waiting), interests: HashSet::new() };
        self.queues.insert(id, queue);
        Incoming { batches, waiting }
    }

    fn attend(&mut self, id: u64, interest: Interest) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.interests.insert(interest);
            self.interested.entry(interest).or_default().insert(id);
        }
    }

    fn keep(&mut self, id: u64, interests: &HashSet<Interest>) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let left: Vec<Interest> =
            queue.interests.extract_if(|interest| !interests.contains(interest)).collect();
        for interest in left {
            self.leave(id, interest);
        }
    }

    fn close(&mut self, id: u64) {
        for interest in self.queues.remove(&id).map(|queue| queue.interests).unwrap_or_default() {
            self.leave(id, interest);
        }
    }

    fn leave(&mut self, id: u64, interest: Interest) {
        if let Entry::Occupied(mut interested) = self.interested.entry(interest) {
            interested.get_mut().remove(&id);
            if interested.get().is_empty() {
                interested.remove();
            }
        }
    }

    /// Hands out events of the organisation, in the order of the log.
    pub(super) fn hand_out(&mut self, events: &[Arc<Passing>]) {
        let mut of_interest: HashMap<Interest, Vec<Arc<Passing>>> = HashMap::new();
        for event in events {
            let interests = Interest::all_in(&event.subject, event.about());
            for interest in interests.filter(|interest| self.interested.contains_key(interest)) {
                of_interest.entry(interest).or_default().push(Arc::clone(event));
            }
        }
        let mut due: HashMap<u64, Batch> = HashMap::new();
        for (interest, events) in of_interest {
            let events: Batch = events.into();
            for id in self.interested.get(&interest).into_iter().flatten() {
                due.entry(*id)
                    .and_modify(|others| *others = merged(others, &events))
                    .or_insert_with(|| Arc::clone(&events));
            }
        }
        for (id, events) in due {
            // Too slow, or gone: its queue ends, and with it the connection.
            if self.queues.get(&id).is_some_and(|queue| !queue.push(events)) {
                self.close(id);
            }
        }
    }
}

/// What somebody hears who listens for both, each once, in the order of the log.
fn merged(one: &[Arc<Passing>], other: &[Arc<Passing>]) -> Batch {
    let mut all: Vec<Arc<Passing>> = one.iter().chain(other).cloned().collect();
    all.sort_by_key(|event| event.offset);
    all.dedup_by_key(|event| event.offset);
    all.into()
}
