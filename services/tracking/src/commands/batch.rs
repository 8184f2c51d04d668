//! Group commit of positions: whatever is waiting when the history is free is written by one statement in one transaction,
//! and answered when that has committed.
//!
//! Everybody who has something to write joins the queue of the organisation and waits for the turn or for the answer. Who gets
//! the turn and has no answer writes for all that wait, up to 500 rows. Alone, that is at once; under load, rows gather while
//! the commit before is running, which takes milliseconds, far less than the 100 that a position may wait.
//!
//! A leader whose caller goes away in the middle answers nobody: the transaction is rolled back or has committed, the others
//! see their answer lost and hand in again, and the primary key of the history makes a second time harmless.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::tracking::DriverLocation;
use kernel::ids::{ApiKeyId, DeviceId, DriverId, OrgId, Uuid};
use kernel::time::Timestamp;
use platform::db::{Db, Scope, Tx};
use platform::{Error, Result};
use tokio::sync::oneshot;

use crate::domain::fix::{self, Fix, Rejection};
use crate::domain::protocols::Decoded;
use crate::store::drivers::Driver;
use crate::store::{deliveries, devices, drivers, positions};
use positions::NewPosition;

/// Rows of one transaction, so that nobody waits long behind others.
const MAX_ROWS: usize = 500;
/// How often somebody hands in again whose leader went away.
const TRIES: usize = 5;
/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// What reported a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Our own app, or somebody for the driver.
    App,
    /// A key.
    Key(ApiKeyId),
    /// A device with an app that is not ours.
    Device(DeviceId),
}

impl Source {
    fn uuid(self) -> Uuid {
        match self {
            Self::App => Uuid::nil(),
            Self::Key(key) => key.uuid(),
            Self::Device(device) => device.uuid(),
        }
    }
}

/// Positions of one driver from one source.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Whose.
    pub driver_id: DriverId,
    /// From what.
    pub source: Source,
    /// As decoded.
    pub reports: Vec<Decoded>,
}

/// What became of one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the history.
    Accepted,
    /// It was there already.
    Duplicate,
    /// It is not kept.
    Rejected(Rejection),
}

/// What became of what was handed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// One for each report, in their order.
    pub outcomes: Vec<Outcome>,
    /// Where the driver is now, with the time it counts as, if that is news. Of several who handed in for one driver, the first
    /// one hears it.
    pub newest: Option<(Timestamp, DriverLocation)>,
    /// Whether the driver has anything to do.
    pub busy: bool,
}

/// Positions that wait for the history, by organisation.
#[derive(Debug, Default)]
pub struct Batches {
    queues: Mutex<HashMap<OrgId, Arc<Queue>>>,
    /// The newest day, counted from 1970, for which partitions were made by this process.
    day: AtomicI64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    incoming: Arc<Incoming>,
    answer: oneshot::Sender<Option<Receipt>>,
}

impl Queue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, mut rows) = (Vec::new(), 0);
        while let Some(next) = waiting.front() {
            rows += next.incoming.reports.len();
            if rows > MAX_ROWS && !taken.is_empty() {
                break;
            }
            taken.extend(waiting.pop_front());
        }
        taken
    }
}

impl Batches {
    /// Writes positions; the answer means that they are durable. `None`: there is no such driver.
    pub async fn submit(&self, db: &Db, org: OrgId, incoming: Incoming) -> Result<Option<Receipt>> {
        let incoming = Arc::new(incoming);
        let queue = self.queue(org);
        for _ in 0..TRIES {
            let (answer, answered) = oneshot::channel();
            queue.push(Waiting { incoming: Arc::clone(&incoming), answer });
            if let Some(receipt) = self.wait(db, org, &queue, answered).await? {
                return Ok(receipt);
            }
        }
        Err(Error::unavailable("history of positions"))
    }

    fn queue(&self, org: OrgId) -> Arc<Queue> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(queues.entry(org).or_default())
    }

    /// Waits for the answer, or for the turn to write for everybody. `None`: the leader went away.
    async fn wait(
        &self,
        db: &Db,
        org: OrgId,
        queue: &Queue,
        mut answered: oneshot::Receiver<Option<Receipt>>,
    ) -> Result<Option<Option<Receipt>>> {
        loop {
            let _turn = tokio::select! {
                biased;
                answer = &mut answered => return Ok(answer.ok()),
                turn = queue.turn.lock() => turn,
            };
            match answered.try_recv() {
                Ok(receipt) => return Ok(Some(receipt)),
                Err(oneshot::error::TryRecvError::Closed) => return Ok(None),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let taken = queue.take();
            let incoming = taken.iter().map(|waiting| Arc::clone(&waiting.incoming)).collect();
            let receipts = self.commit(db, org, incoming).await?;
            for (waiting, receipt) in taken.into_iter().zip(receipts) {
                // Whose caller has gone needs no answer; the position is written.
                waiting.answer.send(receipt).ok();
            }
        }
    }

    async fn commit(&self, db: &Db, org: OrgId, batch: Vec<Arc<Incoming>>) -> Result<Vec<Option<Receipt>>> {
        self.ensure_day(db).await?;
        db.run(&Scope::system(org), move |tx| {
            let batch = batch.clone();
            Box::pin(async move { write(tx, &batch).await })
        })
        .await
    }

    /// The first batch of a day makes its partitions, where the hourly job has not.
    async fn ensure_day(&self, db: &Db) -> Result<()> {
        let now = db.clock().now();
        let today = now.as_second().div_euclid(DAY_S);
        if self.day.load(Ordering::Relaxed) >= today {
            return Ok(());
        }
        let mut tx = db.begin(&Scope::installation()).await?;
        positions::ensure_days(&mut tx, now).await?;
        tx.commit().await?;
        self.day.fetch_max(today, Ordering::Relaxed);
        Ok(())
    }
}

/// Where a report stands in the batch: whose hand-in, and which of it.
type Seat = (usize, usize);

async fn write(tx: &mut Tx, batch: &[Arc<Incoming>]) -> Result<Vec<Option<Receipt>>> {
    let mut seats: BTreeMap<DriverId, Vec<Seat>> = BTreeMap::new();
    for (index, incoming) in batch.iter().enumerate() {
        let own = seats.entry(incoming.driver_id).or_default();
        own.extend((0..incoming.reports.len()).map(|report| (index, report)));
    }
    let ids: Vec<DriverId> = seats.keys().copied().collect();
    let known = drivers::lock(tx, &ids).await?;
    let judged = judge(tx, batch, &seats, &known).await?;
    let rows = rows(batch, &judged);
    let mut new: HashSet<_> = if rows.is_empty() {
        HashSet::new()
    } else {
        positions::insert(tx, &rows).await?.into_iter().collect()
    };
    let mut receipts: Vec<Option<Receipt>> = Vec::with_capacity(batch.len());
    let mut newest: BTreeMap<DriverId, Fix> = BTreeMap::new();
    for (index, incoming) in batch.iter().enumerate() {
        let Some(driver) = known.iter().find(|driver| driver.id == incoming.driver_id) else {
            receipts.push(None);
            continue;
        };
        let (outcomes, own) = outcomes(index, incoming, &judged, &mut new);
        if let Source::Device(device) = incoming.source {
            devices::heard(tx, device, own.as_ref()).await?;
        }
        let before = driver.as_last().map(|last| last.at);
        if let Some(fix) = own.filter(|fix| before.is_none_or(|at| at < fix.at)) {
            let held = newest.entry(driver.id).or_insert(fix);
            if held.at < fix.at {
                *held = fix;
            }
        }
        receipts.push(Some(Receipt { outcomes, newest: None, busy: false }));
    }
    if !newest.is_empty() {
        tell(tx, batch, &mut receipts, newest).await?;
    }
    Ok(receipts)
}

type Judged = HashMap<Seat, Result<Fix, Rejection>>;

/// The verdict on each report of a known driver. What is older than the newest position is compared with its neighbour in the
/// history.
async fn judge(
    tx: &mut Tx,
    batch: &[Arc<Incoming>],
    seats: &BTreeMap<DriverId, Vec<Seat>>,
    known: &[Driver],
) -> Result<Judged> {
    let now = tx.now();
    let mut read = Vec::with_capacity(known.len());
    let mut late: Vec<(DriverId, Timestamp)> = Vec::new();
    for driver in known {
        let own = seats.get(&driver.id).map(Vec::as_slice).unwrap_or_default();
        let reports: Vec<Decoded> =
            own.iter().map(|(index, report)| batch.get(*index)?.reports.get(*report).copied()?).collect();
        let fixes = fix::read_all(&reports, now);
        if let Some(last) = driver.as_last() {
            let older = fixes.iter().flatten().filter(|fix| fix.at < last.at);
            late.extend(older.map(|fix| (driver.id, fix.at)));
        }
        read.push((driver, own, fixes));
    }
    let past = if late.is_empty() { HashMap::new() } else { positions::neighbours(tx, &late).await? };
    let mut judged = Judged::new();
    for (driver, own, mut fixes) in read {
        fix::judge(&mut fixes, |fix| match driver.as_last() {
            Some(last) if fix.at < last.at => past.get(&(driver.id, fix.at)).copied(),
            last => last,
        });
        judged.extend(own.iter().copied().zip(fixes));
    }
    Ok(judged)
}

fn rows(batch: &[Arc<Incoming>], judged: &Judged) -> Vec<NewPosition> {
    let mut rows: Vec<NewPosition> = judged
        .iter()
        .filter_map(|((index, _), outcome)| {
            let incoming = batch.get(*index)?;
            let fix = *outcome.as_ref().ok()?;
            Some(NewPosition { driver_id: incoming.driver_id, source: incoming.source.uuid(), fix })
        })
        .collect();
    // In the order of the key, so that two batches never wait for each other in a circle.
    rows.sort_by_key(NewPosition::key);
    rows
}

/// What became of the reports of one hand-in, and the newest that is new.
fn outcomes(
    index: usize,
    incoming: &Incoming,
    judged: &Judged,
    new: &mut HashSet<positions::PositionKey>,
) -> (Vec<Outcome>, Option<Fix>) {
    let mut newest: Option<Fix> = None;
    let outcomes = (0..incoming.reports.len())
        .map(|report| match judged.get(&(index, report)) {
            Some(Ok(fix)) => {
                let key =
                    NewPosition { driver_id: incoming.driver_id, source: incoming.source.uuid(), fix: *fix }
                        .key();
                if !new.remove(&key) {
                    return Outcome::Duplicate;
                }
                if newest.is_none_or(|held| held.at < fix.at) {
                    newest = Some(*fix);
                }
                Outcome::Accepted
            }
            Some(Err(rejection)) => Outcome::Rejected(*rejection),
            None => Outcome::Rejected(Rejection::Invalid),
        })
        .collect();
    (outcomes, newest)
}

/// Writes where drivers are now, and lets the first hand-in of each tell it.
async fn tell(
    tx: &mut Tx,
    batch: &[Arc<Incoming>],
    receipts: &mut [Option<Receipt>],
    mut newest: BTreeMap<DriverId, Fix>,
) -> Result<()> {
    let moved: Vec<(DriverId, Fix)> = newest.iter().map(|(id, fix)| (*id, *fix)).collect();
    drivers::seen(tx, &moved).await?;
    let ids: Vec<DriverId> = newest.keys().copied().collect();
    let busy = deliveries::busy(tx, &ids).await?;
    for (incoming, receipt) in batch.iter().zip(receipts) {
        let (Some(fix), Some(receipt)) = (newest.remove(&incoming.driver_id), receipt.as_mut()) else {
            continue;
        };
        receipt.newest = Some((fix.at, location(incoming.driver_id, &fix)));
        receipt.busy = busy.contains(&incoming.driver_id);
    }
    Ok(())
}

fn location(driver_id: DriverId, fix: &Fix) -> DriverLocation {
    DriverLocation {
        driver_id,
        position: fix.position,
        device_at: fix.device_at,
        server_at: fix.server_at,
        accuracy_m: fix.accuracy_m,
        speed_m_s: fix.speed_m_s,
        heading_deg: fix.heading_deg,
        battery: fix.battery,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fix::Report;

    fn incoming(driver: u128, reports: usize) -> Arc<Incoming> {
        Arc::new(Incoming {
            driver_id: DriverId::new(Uuid::from_u128(driver)),
            source: Source::App,
            reports: vec![Some(Report::default()); reports],
        })
    }

    fn push(queue: &Queue, reports: usize) -> oneshot::Receiver<Option<Receipt>> {
        let (answer, answered) = oneshot::channel();
        queue.push(Waiting { incoming: incoming(1, reports), answer });
        answered
    }

    fn taken(queue: &Queue) -> Vec<usize> {
        queue.take().iter().map(|waiting| waiting.incoming.reports.len()).collect()
    }

    #[test]
    fn a_batch_takes_what_waits_in_its_order_up_to_its_size() {
        let queue = Queue::default();
        let _answers = [200, 200, 100, 1].map(|reports| push(&queue, reports));
        assert_eq!(taken(&queue), [200, 200, 100]);
        assert_eq!(taken(&queue), [1]);
        assert_eq!(taken(&queue), [0; 0]);
    }

    #[test]
    fn one_who_brings_more_than_a_batch_is_taken_alone() {
        let queue = Queue::default();
        let _answers = [1, 1_500, 2].map(|reports| push(&queue, reports));
        assert_eq!(taken(&queue), [1]);
        assert_eq!(taken(&queue), [1_500]);
        assert_eq!(taken(&queue), [2]);
    }

    #[test]
    fn each_organisation_has_its_own_queue() {
        let batches = Batches::default();
        let (one, two) = (OrgId::new(Uuid::from_u128(1)), OrgId::new(Uuid::from_u128(2)));
        assert!(Arc::ptr_eq(&batches.queue(one), &batches.queue(one)));
        assert!(!Arc::ptr_eq(&batches.queue(one), &batches.queue(two)));
    }

    #[test]
    fn an_outcome_stands_at_the_place_of_its_report() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let fix = |second: i64| {
            let at = Timestamp::from_second(now.as_second() - second).unwrap();
            Fix::read(&Report { lat: 60.0, lon: 24.0, at: Some(at), ..Report::default() }, now)
        };
        let incoming = incoming(1, 4);
        let judged = Judged::from([
            ((0, 0), fix(30)),
            ((0, 1), Err(Rejection::TooFast)),
            ((0, 2), fix(10)),
            ((0, 3), fix(10)),
        ]);
        let rows = rows(std::slice::from_ref(&incoming), &judged);
        assert_eq!(rows.len(), 3);
        assert!(rows.is_sorted_by_key(NewPosition::key), "in the order of the key");
        let mut new: HashSet<_> = rows.iter().map(NewPosition::key).collect();
        let (outcomes, newest) = outcomes(0, &incoming, &judged, &mut new);
        let expected =
            [Outcome::Accepted, Outcome::Rejected(Rejection::TooFast), Outcome::Accepted, Outcome::Duplicate];
        assert_eq!(outcomes, expected);
        assert_eq!(newest.unwrap().at, fix(10).unwrap().at);
        assert!(new.is_empty());
    }
}
