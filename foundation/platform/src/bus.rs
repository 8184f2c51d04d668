//! The event log: outbox, sequencer, consumers, dead letters (design section 4).
//!
//! ```text
//! Tx::publish -> buffer -> Tx::commit -> bus.outbox -> bus.advance() -> bus.log -> Consumer -> effects + inbox + cursor
//! ```
//!
//! What holds, and what proves it (`tests/it/bus_*.rs`):
//! - offsets are gapless and each event is in the log once, whatever is killed or paused;
//! - events of one key are in the order of their versions;
//! - a consumer's effects, its inbox row, the events it publishes and its cursor commit together;
//! - an event that keeps failing parks its key for that consumer only, and nothing is skipped in silence.

mod consumer;
mod maintain;
mod operator;
mod outbox;
mod relay;
mod runner;
mod sequencer;
mod source;
mod status;

pub use consumer::{Consumer, Delivery, StartFrom};
pub use maintain::{Maintained, maintain, new_epoch};
pub use operator::Operator;
pub use outbox::Pending;
pub(crate) use outbox::write as write_outbox;
pub use relay::{BUCKETS, Chains, Logged, Opened, Position, RelayLog, Want};
pub use runner::{Progress, Runner};
pub use sequencer::{Sequencer, listen};
pub use source::{Batch, Log, Request, Source};
pub use status::{ConsumerStatus, DeadLetter, LogStatus, dead_letters, status};
