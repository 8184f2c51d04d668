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
    let now = tx.now();
    let mut judged: HashMap<Seat, Result<Fix, Rejection>> = HashMap::new();
    for driver in &known {
        let own = seats.get(&driver.id).map(Vec::as_slice).unwrap_or_default();
        let reports: Vec<Decoded> =
            own.iter().map(|(index, report)| batch.get(*index)?.reports.get(*report).copied()?).collect();
        judged.extend(own.iter().copied().zip(fix::judge(&reports, driver.as_last(), now)));
    }
    let rows = rows(batch, &judged);
    let mut new: HashSet<_> =
        if rows.is_empty() { HashSet::new() } else { positions::insert(tx, &rows).await?.into_iter().collect() };
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

fn rows(batch: &[Arc<Incoming>], judged: &HashMap<Seat, Result<Fix, Rejection>>) -> Vec<NewPosition> {
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
    judged: &HashMap<Seat, Result<Fix, Rejection>>,
    new: &mut HashSet<positions::PositionKey>,
) -> (Vec<Outcome>, Option<Fix>) {
    let mut newest: Option<Fix> = None;
    let outcomes = (0..incoming.reports.len())
        .map(|report| match judged.get(&(index, report)) {
            Some(Ok(fix)) => {
                let key =
                    NewPosition { driver_id: incoming.driver_id, source: incoming.source.uuid(), fix: *fix }.key();
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
        let (Some(fix), Some(receipt)) = (newest.remove(&incoming.driver_id), receipt.as_mut()) else { continue };
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
