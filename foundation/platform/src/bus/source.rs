//! Where a runner gets its events from: the log itself, or a broker that relays it.
//!
//! The contract, the same for every transport (`testkit::conformance` proves it):
//! - events of one key arrive in the order of their versions;
//! - an event may arrive again, but never before everything that precedes it in its key was offered;
//! - an event that was received but not acknowledged arrives again;
//! - what "received" means is decided by the effects' transaction: the runner's inbox row, not the transport, makes an
//!   effect happen once.

use sqlx::Row;

use super::Delivery;
use super::runner::delivery;
use crate::Result;
use crate::db::{BoxFuture, Tx};

/// What a runner asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The consumer's durable name.
    pub consumer: &'static str,
    /// Which of its hash partitions.
    pub part: i32,
    /// At most so many events.
    pub limit: i32,
}

/// Events in order, and what the transport needs to know them again.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The events, in the order of the log.
    pub deliveries: Vec<Delivery>,
    /// The last offset that was looked at: everything up to it has been offered.
    pub scanned: i64,
}

/// A transport of events to consumers.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// The next events, received inside the transaction of their effects. `None`: nothing is new, or another instance
    /// is working this partition.
    fn receive<'a>(&'a self, tx: &'a mut Tx, request: Request) -> BoxFuture<'a, Result<Option<Batch>>>;

    /// In the same transaction, when every event of the batch has had its effect or was set aside.
    fn settle<'a>(&'a self, tx: &'a mut Tx, request: Request, batch: &'a Batch) -> BoxFuture<'a, Result<()>>;

    /// After that transaction has committed. A failure is harmless: the events arrive again and find their inbox rows.
    fn acknowledge(&self, request: Request, batch: Batch) -> BoxFuture<'_, Result<()>>;
}

/// Reads the log in the database: the default, and the truth that every other transport relays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Log;

impl Source for Log {
    fn receive<'a>(&'a self, tx: &'a mut Tx, request: Request) -> BoxFuture<'a, Result<Option<Batch>>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM bus.fetch($1, $2, $3)")
                .bind(request.consumer)
                .bind(request.part)
                .bind(request.limit)
                .fetch_all(tx.conn())
                .await?;
            let Some((last, events)) = rows.split_last() else { return Ok(None) };
            let deliveries = events.iter().map(delivery).collect::<Result<Vec<_>>>()?;
            Ok(Some(Batch { deliveries, scanned: last.try_get("offset")? }))
        })
    }

    fn settle<'a>(&'a self, tx: &'a mut Tx, request: Request, batch: &'a Batch) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            sqlx::query("SELECT bus.move_cursor($1, $2, $3)")
                .bind(request.consumer)
                .bind(request.part)
                .bind(batch.scanned)
                .execute(tx.conn())
                .await?;
            Ok(())
        })
    }

    fn acknowledge(&self, _request: Request, _batch: Batch) -> BoxFuture<'_, Result<()>> {
        // The cursor moved in the transaction itself.
        Box::pin(std::future::ready(Ok(())))
    }
}
