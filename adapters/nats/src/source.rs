//! The transport for consumers: what the broker delivers, judged by the cursor and the stamps; the log where that is
//! not enough.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use platform::Result;
use platform::bus::{Batch, Log, Position, Request, Source};
use platform::db::{BoxFuture, Tx};
use platform::telemetry::metrics::BROKER_BATCHES;
use tokio::sync::Mutex as AsyncMutex;

use crate::broker::Broker;
use crate::lane::{Lane, Next};

/// How long the broker may be silent about events that are in the log before they are read there.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where batches came from, since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Batches that the broker delivered.
    pub broker: u64,
    /// Batches that were read from the log.
    pub log: u64,
}

/// A consumer's name and one of its partitions.
type Partition = (&'static str, i32);

/// Consumers over JetStream.
#[derive(Debug)]
pub struct JetStream {
    broker: Broker,
    patience: Duration,
    lanes: Mutex<HashMap<Partition, Arc<AsyncMutex<Lane>>>>,
    from_broker: AtomicU64,
    from_log: AtomicU64,
}

impl JetStream {
    pub(crate) fn new(broker: Broker) -> Self {
        Self {
            broker,
            patience: PATIENCE,
            lanes: Mutex::default(),
            from_broker: AtomicU64::new(0),
            from_log: AtomicU64::new(0),
        }
    }

    /// Waits longer for a silent broker before it reads the log.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where batches came from.
    pub fn seen(&self) -> Seen {
        Seen { broker: self.from_broker.load(Ordering::Relaxed), log: self.from_log.load(Ordering::Relaxed) }
    }

    fn lane(&self, request: Request) -> Arc<AsyncMutex<Lane>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry((request.consumer, request.part)).or_default())
    }

    async fn next(&self, tx: &mut Tx, request: Request) -> Result<Option<Batch>> {
        let Some(position) = Position::lock(tx, request.consumer, request.part).await? else {
            return Ok(None);
        };
        let lane = self.lane(request);
        let mut lane = lane.lock().await;
        if position.last_offset + 1 >= position.next_offset {
            lane.pass(position.last_offset).await;
            lane.caught_up();
            return Ok(None);
        }
        // A cursor that is behind what is kept: the log says so.
        let behind = position.last_offset + 1 < position.first_offset;
        let next = match self.broker.connected() {
            Ok(link) if !behind => {
                lane.next(&link, self.broker.options(), &position, request, self.patience).await
            }
            _ => Next::ReadLog { missed: false },
        };
        match next {
            Next::Events(batch) => {
                self.from_broker.fetch_add(1, Ordering::Relaxed);
                metrics::counter!(BROKER_BATCHES, "from" => "broker").increment(1);
                Ok(Some(batch))
            }
            Next::Nothing => Ok(None),
            Next::ReadLog { missed } => {
                self.from_log.fetch_add(1, Ordering::Relaxed);
                metrics::counter!(BROKER_BATCHES, "from" => "log").increment(1);
                let batch = Log.receive(tx, request).await?;
                if missed && batch.as_ref().is_some_and(|batch| !batch.deliveries.is_empty()) {
                    // It should have delivered these: its place in the stream cannot be trusted.
                    lane.restart();
                }
                Ok(batch)
            }
        }
    }
}

impl Source for JetStream {
    fn receive<'a>(&'a self, tx: &'a mut Tx, request: Request) -> BoxFuture<'a, Result<Option<Batch>>> {
        Box::pin(self.next(tx, request))
    }

    fn settle<'a>(&'a self, tx: &'a mut Tx, request: Request, batch: &'a Batch) -> BoxFuture<'a, Result<()>> {
        Log.settle(tx, request, batch)
    }

    fn acknowledge(&self, request: Request, batch: Batch) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.lane(request).lock().await.pass(batch.scanned).await;
            Ok(())
        })
    }
}
