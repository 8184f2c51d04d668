//! The hub: one reader of the log for all clients of a process.
//!
//! It reads the log once, without a filter, so that a hole would be seen, and hands every event to the connections of its
//! organisation. Each connection has a queue of bounded length; one that is full ends its connection, whose client comes
//! back with its last offset and gets what it missed. The last events stay in memory for those who come back soon.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::ids::OrgId;
use platform::lifecycle::{Waited, wait};
use platform::{Error, Result};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::feed::{Feed, Passing, Range};

/// Events in memory for those who come back soon.
const KEPT: usize = 20_000;
/// Events that may wait for one client.
const QUEUE: usize = 512;
/// Events that are read at once.
const BATCH: i32 = 1_000;
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How soon again after a failure.
const AGAIN: Duration = Duration::from_millis(500);

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
    connections: HashMap<OrgId, BTreeMap<u64, mpsc::Sender<Arc<Passing>>>>,
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
    stopping: CancellationToken,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("scanned", &self.scanned()).finish_non_exhaustive()
    }
}

/// What a connection hears from the hub. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Ear {
    /// Events of the organisation, in the order of the log. It ends when the client is too slow.
    pub(crate) events: mpsc::Receiver<Arc<Passing>>,
    /// Up to where the hub had come when the ear began to listen: everything later is heard.
    pub(crate) since: Scanned,
    hub: Hub,
    org: OrgId,
    id: u64,
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut inner = self.hub.lock();
        if let Some(connections) = inner.connections.get_mut(&self.org) {
            connections.remove(&self.id);
            if connections.is_empty() {
                inner.connections.remove(&self.org);
            }
        }
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
            connections: HashMap::new(),
            next_id: 0,
            clients: HashMap::new(),
        };
        Self { feed, inner: Arc::new(Mutex::new(inner)), stopping }
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

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.lock().connections.values().map(BTreeMap::len).sum()
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

    /// Listens to an organisation from now on.
    pub(crate) fn listen(&self, org: OrgId) -> Ear {
        let (sender, events) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        inner.connections.entry(org).or_default().insert(id, sender);
        Ear { events, since: inner.scanned, hub: self.clone(), org, id }
    }

    /// Events of an organisation after an offset and up to another that the hub has passed.
    pub(crate) async fn missed(&self, org: OrgId, from: Scanned, to: Scanned) -> Result<Missed> {
        if from.epoch != to.epoch {
            return Ok(Missed::Resync);
        }
        if from.last >= to.last {
            return Ok(Missed::Events(Vec::new()));
        }
        if let Some(recent) = self.recent(org, from.last, to.last) {
            return Ok(Missed::Events(recent));
        }
        let range = self.feed.range().await?;
        let too_old = from.last + 1 < range.first || range.epoch != to.epoch;
        if too_old {
            return Ok(Missed::Resync);
        }
        let limit = i32::try_from(KEPT).unwrap_or(i32::MAX);
        let events = self.feed.read(from.last, to.last, Some(org), limit).await?;
        // As many as may be read: there may be more, and a client that far behind reads anew faster.
        let all = events.len() < KEPT;
        Ok(if all { Missed::Events(events) } else { Missed::Resync })
    }

    fn recent(&self, org: OrgId, after: i64, to: i64) -> Option<Vec<Arc<Passing>>> {
        let inner = self.lock();
        if after < inner.before {
            return None;
        }
        let start = inner.recent.partition_point(|event| event.offset <= after);
        let later = inner.recent.iter().skip(start).take_while(|event| event.offset <= to);
        Some(later.filter(|event| event.org == org).cloned().collect())
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
        inner.connections.clear();
        inner.recent.clear();
        inner.before = range.last;
        inner.scanned = Scanned { epoch: range.epoch, last: range.last };
    }

    fn hand_out(&self, events: Vec<Arc<Passing>>) {
        let mut inner = self.lock();
        let Some(last) = events.last().map(|event| event.offset) else { return };
        for event in events {
            if let Some(connections) = inner.connections.get_mut(&event.org) {
                connections.retain(|_, sender| match sender.try_send(Arc::clone(&event)) {
                    Ok(()) => true,
                    // Too slow, or gone: its queue ends, and with it the connection.
                    Err(TrySendError::Full(_) | TrySendError::Closed(_)) => false,
                });
            }
            inner.recent.push_back(event);
        }
        while inner.recent.len() > KEPT {
            if let Some(gone) = inner.recent.pop_front() {
                inner.before = gone.offset;
            }
        }
        inner.scanned.last = last;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kernel::ids::Uuid;
    use kernel::time::Timestamp;
    use platform::db::BoxFuture;
    use serde_json::json;

    /// A log in memory.
    #[derive(Default)]
    pub(crate) struct Paper(Mutex<(Range, Vec<Arc<Passing>>)>);

    impl Paper {
        pub(crate) fn begin() -> Arc<Self> {
            Arc::new(Self(Mutex::new((Range { epoch: 1, first: 1, last: 0 }, Vec::new()))))
        }

        pub(crate) fn write(&self, org: u128, order: u128) -> i64 {
            let mut paper = self.0.lock().unwrap();
            paper.0.last += 1;
            let offset = paper.0.last;
            paper.1.push(Arc::new(Passing {
                offset,
                org: OrgId::new(Uuid::from_u128(org)),
                subject: "order.updated.v1".to_owned(),
                version: 1,
                payload: json!({ "order_id": kernel::ids::OrderId::new(Uuid::from_u128(order)) }),
                occurred_at: Timestamp::UNIX_EPOCH,
            }));
            offset
        }

        pub(crate) fn change(&self, change: impl FnOnce(&mut Range, &mut Vec<Arc<Passing>>)) {
            let mut paper = self.0.lock().unwrap();
            let (range, events) = &mut *paper;
            change(range, events);
        }
    }

    impl Feed for Paper {
        fn range(&self) -> BoxFuture<'_, Result<Range>> {
            Box::pin(std::future::ready(Ok(self.0.lock().unwrap().0)))
        }

        fn read(
            &self,
            after: i64,
            to: i64,
            org: Option<OrgId>,
            limit: i32,
        ) -> BoxFuture<'_, Result<Vec<Arc<Passing>>>> {
            let paper = self.0.lock().unwrap();
            let within = paper.1.iter().filter(|event| event.offset > after && event.offset <= to);
            let of_org = within.filter(|event| org.is_none_or(|org| org == event.org));
            let events = of_org.take(usize::try_from(limit).unwrap()).cloned().collect();
            Box::pin(std::future::ready(Ok(events)))
        }
    }

    pub(crate) fn org(number: u128) -> OrgId {
        OrgId::new(Uuid::from_u128(number))
    }

    pub(crate) async fn hub(paper: &Arc<Paper>) -> Hub {
        let hub = Hub::new(Arc::clone(paper) as Arc<dyn Feed>, CancellationToken::new());
        hub.step().await.unwrap();
        hub
    }

    async fn catch_up(hub: &Hub) {
        while hub.step().await.unwrap() {}
    }

    fn offsets(missed: Missed) -> Vec<i64> {
        match missed {
            Missed::Events(events) => events.iter().map(|event| event.offset).collect(),
            Missed::Resync => panic!("a resync"),
        }
    }

    #[tokio::test]
    async fn an_organisation_hears_its_events_in_order_and_nobody_elses() {
        let paper = Paper::begin();
        let hub = hub(&paper).await;
        let mut ear = hub.listen(org(1));
        for n in 0..2_500 {
            paper.write(1 + n % 2, n);
        }
        let reading = hub.clone();
        let mut heard = Vec::new();
        // The queue is shorter than what comes: the reader and the client take turns.
        for _ in 0..20 {
            reading.feed.range().await.unwrap();
            let to = reading.scanned().last + 300;
            let events = reading.feed.read(reading.scanned().last, to, None, 300).await.unwrap();
            reading.hand_out(events);
            while let Ok(event) = ear.events.try_recv() {
                heard.push(event.offset);
            }
        }
        assert_eq!(heard, (1..=2_500).filter(|n| n % 2 == 1).collect::<Vec<i64>>());
    }

    #[tokio::test]
    async fn who_is_too_slow_is_sent_away_and_others_are_not() {
        let paper = Paper::begin();
        let hub = hub(&paper).await;
        let (mut slow, mut quick) = (hub.listen(org(1)), hub.listen(org(2)));
        for n in 0..600 {
            paper.write(1, n);
        }
        paper.write(2, 1);
        catch_up(&hub).await;
        let mut count = 0;
        while slow.events.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, QUEUE, "what fitted, then the end");
        assert_eq!(quick.events.recv().await.unwrap().offset, 601);
        assert_eq!(hub.connections(), 1);
    }

    #[tokio::test]
    async fn who_comes_back_gets_what_was_missed_from_memory_or_from_the_log() {
        let paper = Paper::begin();
        for n in 0..10 {
            paper.write(1 + n % 2, n);
        }
        let hub = hub(&paper).await;
        for n in 10..20 {
            paper.write(1 + n % 2, n);
        }
        catch_up(&hub).await;
        let to = hub.scanned();
        let missed = |last| hub.missed(org(1), Scanned { epoch: 1, last }, to);
        assert_eq!(offsets(missed(15).await.unwrap()), [17, 19]);
        assert_eq!(
            offsets(missed(3).await.unwrap()),
            [5, 7, 9, 11, 13, 15, 17, 19],
            "older than this process"
        );
        assert_eq!(offsets(missed(20).await.unwrap()), Vec::<i64>::new());
        assert_eq!(
            offsets(missed(99).await.unwrap()),
            Vec::<i64>::new(),
            "this gateway is behind the client"
        );
    }

    #[tokio::test]
    async fn what_is_not_kept_any_more_or_of_another_log_is_a_resync() {
        let paper = Paper::begin();
        for n in 0..10 {
            paper.write(1, n);
        }
        let hub = hub(&paper).await;
        paper.change(|range, events| {
            range.first = 6;
            events.retain(|event| event.offset >= 6);
        });
        let to = hub.scanned();
        let missed = |epoch, last| hub.missed(org(1), Scanned { epoch, last }, to);
        assert_eq!(missed(1, 3).await.unwrap(), Missed::Resync);
        assert_eq!(offsets(missed(1, 5).await.unwrap()), [6, 7, 8, 9, 10]);
        assert_eq!(missed(2, 8).await.unwrap(), Missed::Resync);
        // A restore begins another log: whoever is connected is sent away.
        let mut ear = hub.listen(org(1));
        paper.change(|range, _| range.epoch = 2);
        hub.step().await.unwrap();
        assert_eq!(ear.events.recv().await, None);
        assert_eq!(hub.scanned(), Scanned { epoch: 2, last: 10 });
    }

    #[tokio::test]
    async fn clients_are_counted_by_organisation_until_they_go() {
        let hub = hub(&Paper::begin()).await;
        let (first, second) = (hub.connect(org(1)), hub.connect(org(1)));
        let _other = hub.connect(org(2));
        assert_eq!((hub.connected(org(1)), hub.connected(org(2)), hub.connected(org(3))), (2, 1, 0));
        drop(first);
        assert_eq!(hub.connected(org(1)), 1);
        drop(second);
        assert_eq!(hub.connected(org(1)), 0);
        assert!(!hub.lock().clients.contains_key(&org(1)), "who has gone leaves nothing behind");
    }

    #[tokio::test]
    async fn a_hole_in_the_log_is_never_skipped() {
        let paper = Paper::begin();
        let hub = hub(&paper).await;
        let mut ear = hub.listen(org(1));
        paper.write(1, 1);
        paper.write(1, 2);
        paper.change(|_, events| {
            events.remove(0);
        });
        assert!(hub.step().await.unwrap_err().chain().contains("hole"));
        assert_eq!(hub.scanned().last, 0);
        assert!(ear.events.try_recv().is_err());
    }
}
