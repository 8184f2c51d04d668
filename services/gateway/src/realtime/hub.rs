//! The hub: one reader of the log for all clients of a process.
//!
//! It reads the log once, without a filter, so that a hole would be seen, and hands every event to the connections that
//! listen for it ([`super::ear`]). A client that was too slow, or whose process has ended, comes back with its last offset
//! and gets what it missed. The last events stay in memory for that; after a start they are read back once for all.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::ids::OrgId;
use platform::lifecycle::{Waited, wait};
use platform::{Error, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::ear::{Ear, Listeners};
use super::feed::{Feed, Passing, Range};
use super::topic::Interest;

/// Events in memory for those who come back soon.
const KEPT: usize = 20_000;
/// Events that are read at once.
const BATCH: i32 = 1_000;
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How soon again after a failure.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a client waits for the first look at the log.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// How far the hub has come: all that it has handed out is at or before `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Of which log.
    pub epoch: i64,
    /// Up to which offset.
    pub last: i64,
}

struct Inner {
    scanned: Scanned,
    recent: VecDeque<Arc<Passing>>,
    /// The offset before the first of `recent`.
    before: i64,
    listeners: HashMap<OrgId, Listeners>,
    next_id: u64,
    /// Clients of each organisation, whether they follow anything or not.
    clients: HashMap<OrgId, usize>,
}

/// A client of an organisation is connected. Dropping it says that it has gone.
#[derive(Debug)]
pub(crate) struct Connected {
    hub: Hub,
    org: OrgId,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut inner = self.hub.lock();
        if let Some(count) = inner.clients.get_mut(&self.org) {
            *count -= 1;
            if *count == 0 {
                inner.clients.remove(&self.org);
            }
        }
    }
}

/// Hands out events. Cloning shares it.
#[derive(Clone)]
pub struct Hub {
    feed: Arc<dyn Feed>,
    inner: Arc<Mutex<Inner>>,
    /// Whether the log was looked at.
    begun: Arc<watch::Sender<bool>>,
    /// One reads back, the others wait for it.
    reading_back: Arc<tokio::sync::Mutex<()>>,
    stopping: CancellationToken,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("scanned", &self.scanned()).finish_non_exhaustive()
    }
}

/// What somebody missed.
#[derive(Debug, PartialEq)]
pub(crate) enum Missed {
    /// These, in order, and nothing else up to the offset.
    Events(Vec<Arc<Passing>>),
    /// Too much, or of another log: read anew.
    Resync,
}

impl Hub {
    /// Nothing is read yet.
    pub fn new(feed: Arc<dyn Feed>, stopping: CancellationToken) -> Self {
        let inner = Inner {
            scanned: Scanned::default(),
            recent: VecDeque::new(),
            before: 0,
            listeners: HashMap::new(),
            next_id: 0,
            clients: HashMap::new(),
        };
        Self {
            feed,
            inner: Arc::new(Mutex::new(inner)),
            begun: Arc::new(watch::Sender::new(false)),
            reading_back: Arc::default(),
            stopping,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it has come.
    pub fn scanned(&self) -> Scanned {
        self.lock().scanned
    }

    /// Cancelled when clients should go: the process stops.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// How many clients follow something.
    pub fn connections(&self) -> usize {
        self.lock().listeners.values().map(Listeners::len).sum()
    }

    /// A client of this organisation is connected from now on.
    pub(crate) fn connect(&self, org: OrgId) -> Connected {
        *self.lock().clients.entry(org).or_default() += 1;
        Connected { hub: self.clone(), org }
    }

    /// How many clients of this organisation are connected.
    pub fn connected(&self, org: OrgId) -> usize {
        self.lock().clients.get(&org).copied().unwrap_or(0)
    }

    /// Waits for the first look at the log: before it nobody knows where the log stands.
    pub(crate) async fn begun(&self) -> Result<()> {
        let mut begun = self.begun.subscribe();
        match tokio::time::timeout(FIRST_LOOK, begun.wait_for(|begun| *begun)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Error::unavailable("event log")),
        }
    }

    /// Listens to an organisation, for nothing of it yet.
    pub(crate) fn listen(&self, org: OrgId) -> Ear {
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        let incoming = inner.listeners.entry(org).or_default().open(id);
        Ear::new(incoming, self.clone(), org, id)
    }

    /// Changes who listens for what; how far the hub had come then.
    pub(super) fn with_listeners(&self, org: OrgId, change: impl FnOnce(&mut Listeners)) -> Scanned {
        let mut inner = self.lock();
        if let Some(listeners) = inner.listeners.get_mut(&org) {
            change(listeners);
            if listeners.len() == 0 {
                inner.listeners.remove(&org);
            }
        }
        inner.scanned
    }

    /// Events of an organisation that are listened for, after an offset and up to another that the hub has passed.
    pub(crate) async fn missed(
        &self,
        org: OrgId,
        interest: Interest,
        from: Scanned,
        to: Scanned,
    ) -> Result<Missed> {
        if from.epoch != to.epoch {
            return Ok(Missed::Resync);
        }
        if from.last >= to.last {
            return Ok(Missed::Events(Vec::new()));
        }
        let recent = || self.recent(org, interest, from.last, to.last).map(Missed::Events);
        if let Some(missed) = recent() {
            return Ok(missed);
        }
        {
            let _turn = self.reading_back.lock().await;
            // Somebody may have read it meanwhile.
            if let Some(missed) = recent() {
                return Ok(missed);
            }
            let range = self.feed.range().await?;
            let too_old = from.last + 1 < range.first || range.epoch != to.epoch;
            if too_old {
                return Ok(Missed::Resync);
            }
            self.read_back(from.last).await?;
        }
        if let Some(missed) = recent() {
            return Ok(missed);
        }
        let limit = i32::try_from(KEPT).unwrap_or(i32::MAX);
        let mut events = self.feed.read(from.last, to.last, Some(org), limit).await?;
        // As many as may be read: there may be more, and a client that far behind reads anew faster.
        let all = events.len() < KEPT;
        events.retain(|event| event.is_for(interest));
        Ok(if all { Missed::Events(events) } else { Missed::Resync })
    }

    fn recent(&self, org: OrgId, interest: Interest, after: i64, to: i64) -> Option<Vec<Arc<Passing>>> {
        let inner = self.lock();
        if after < inner.before {
            return None;
        }
        let start = inner.recent.partition_point(|event| event.offset <= after);
        let later = inner.recent.range(start..).take_while(|event| event.offset <= to);
        Some(later.filter(|event| event.org == org && event.is_for(interest)).cloned().collect())
    }

    /// Reads into memory what came after an offset, of all organisations, if it finds room there.
    async fn read_back(&self, after: i64) -> Result<()> {
        let (scanned, before) = {
            let inner = self.lock();
            (inner.scanned, inner.before)
        };
        if usize::try_from(scanned.last - after).is_ok_and(|events| events > KEPT) {
            return Ok(());
        }
        let (mut events, mut last) = (Vec::new(), after);
        while last < before {
            let next = self.feed.read(last, before, None, BATCH).await?;
            match next.last() {
                // Without a hole, or not at all.
                Some(end) if next.first().is_some_and(|first| first.offset == last + 1) => last = end.offset,
                _ => return Ok(()),
            }
            events.extend(next);
        }
        let mut inner = self.lock();
        if inner.before == before && inner.scanned.epoch == scanned.epoch {
            for event in events.into_iter().rev() {
                inner.recent.push_front(event);
            }
            inner.before = after;
        }
        Ok(())
    }

    /// Reads the log until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.step().await {
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(cause = error.chain(), "the log could not be read for clients");
                    AGAIN
                }
            };
            if wait(pause, &stop).await == Waited::Cancelled {
                return;
            }
        }
    }

    /// Reads on once; whether there may be more.
    pub async fn step(&self) -> Result<bool> {
        let range = self.feed.range().await?;
        let scanned = self.scanned();
        if scanned.epoch != range.epoch {
            self.begin(range);
            return Ok(false);
        }
        if range.last <= scanned.last {
            return Ok(false);
        }
        let events = self.feed.read(scanned.last, range.last, None, BATCH).await?;
        let expected = scanned.last + 1;
        if let Some(first) = events.first().filter(|event| event.offset != expected) {
            // Retention may have passed us; anything else is a hole, which must never be.
            if range.first > expected {
                self.begin(range);
                return Ok(false);
            }
            let hole = format!("the log has a hole between {} and {}", scanned.last, first.offset);
            return Err(Error::internal(hole));
        }
        let more = i32::try_from(events.len()).is_ok_and(|read| read == BATCH);
        self.hand_out(events);
        Ok(more)
    }

    /// Another log, or the first look at it: begins at its end. Whoever is connected is sent away, to come back and read anew.
    fn begin(&self, range: Range) {
        let mut inner = self.lock();
        inner.listeners.clear();
        inner.recent.clear();
        inner.before = range.last;
        inner.scanned = Scanned { epoch: range.epoch, last: range.last };
        drop(inner);
        self.begun.send_replace(true);
    }

    fn hand_out(&self, events: Vec<Arc<Passing>>) {
        let mut inner = self.lock();
        let Some(last) = events.last().map(|event| event.offset) else { return };
        let mut of_org: HashMap<OrgId, Vec<Arc<Passing>>> = HashMap::new();
        for event in &events {
            of_org.entry(event.org).or_default().push(Arc::clone(event));
        }
        for (org, events) in of_org {
            if let Some(listeners) = inner.listeners.get_mut(&org) {
                listeners.hand_out(&events);
            }
        }
        inner.recent.extend(events);
        while inner.recent.len() > KEPT {
            if let Some(gone) = inner.recent.pop_front() {
                inner.before = gone.offset;
            }
        }
        inner.scanned.last = last;
    }
}
