//! Events over NATS JetStream: a relay that publishes the log, and a transport for consumers (`platform::bus::Source`).
//!
//! The log in the database is the truth; the stream is a copy that can be deleted at any time. What makes it safe:
//!
//! - **The sequence of the stream is the offset of the log.** The stream begins at the offset that is wanted first, and
//!   every message is published on the condition that the message before it is the last one (`Nats-Expected-Last-Sequence`).
//!   So the stream is the log without a gap, whatever fails and however many relays there are: a second relay, or one that
//!   was paused, is refused by the server. The lease only saves them the quarrel. After any failure the relay asks the
//!   stream how far it is and goes on from there.
//! - **A stream names its log** (identity and epoch) in its metadata and in every message. One of another epoch is made
//!   anew; one of another installation is refused.
//! - **A consumer believes the cursor and the stamps** (`platform::bus::Chains`), not the broker: what is older than the
//!   cursor is acknowledged and dropped; what jumps ahead of a hole waits while the hole is read from the log; when the
//!   broker is silent or away, the log is read. The inbox row in the effects' transaction makes an effect happen once.
//!
//! Subjects: `<stream>.log.<bucket>.<event subject>`, with the key's bucket of `platform::bus::BUCKETS`; a bell without
//! content on `<stream>.news` after each batch. `docs/operating/nats.md` says what the server must be set to.

mod address;
mod broker;
mod error;
mod lane;
mod message;
mod relay;
mod requirements;
mod source;
mod stream;

pub use broker::{Broker, Options};
pub use error::Error;
pub use relay::{Rebuilt, Relay};
pub use source::{JetStream, Seen};
