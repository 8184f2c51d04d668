//! Background jobs: rows in PostgreSQL, enqueued in the business transaction.
//!
//! - A job is a serialisable value ([`Job`]); [`Tx::enqueue`](crate::db::Tx::enqueue) writes it in the transaction
//!   that wants it done, so it exists exactly when the change does.
//! - A worker claims due jobs with `SKIP LOCKED` under a lease. A worker that dies loses the lease, and another one
//!   runs the job again: handlers are written so that this is harmless.
//! - Only the holder of the lease's token may finish a job, so a paused worker that wakes up changes nothing.
//! - The error that a handler returns decides: retry with back-off, or give up ([`JobError`]). A job that gave up or
//!   used all its attempts is a dead letter (`state = 'dead'`) until somebody looks.
//! - Schedules are rows too; whoever locks a due one enqueues its job, so there is one leader per schedule.
//!
//! Why not a library: `docs/adr` (jobs in PostgreSQL).

mod enqueue;
mod kind;
mod maintain;
mod schedule;
mod worker;

pub use enqueue::{EnqueueOptions, Enqueued};
pub use kind::{Job, JobContext, JobError, JobKind};
pub use maintain::{QueueStatus, purge, queues};
pub use schedule::{Schedule, Spec};
pub use worker::Worker;
