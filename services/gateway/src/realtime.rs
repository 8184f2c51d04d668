//! Clients that stay connected: one socket each, over which they follow topics (design section 5).
//!
//! ```text
//! log -> Hub (one reader for the process) -> Ear (what a client listens for) -> Session -> WebSocket or SSE
//! live positions ---------------------------------------------------------------^ (one per client: topics, rights,
//!                                                                                 what was sent)
//! ```
//!
//! | the client says | and hears |
//! |---|---|
//! | `{"type":"subscribe","topic":"order:...","from":{"epoch":1,"offset":42}}` | `subscribed` with the offset from which it is told everything, then `event`s; or `refused` |
//! | `{"type":"unsubscribe","topic":"orders"}` | `unsubscribed` |
//! | `{"type":"token","token":"..."}` | `token_accepted`; without a fresh token the socket ends when the old one does |
//! | `{"type":"positions","id":7,"positions":[{...}]}`, or the same as a binary frame | `positions_ack` when they are stored, or `positions_refused` ([`crate::positions`]) |
//! | nothing | `heartbeat` every 15 s, with the offset up to which it has heard everything of the topics that it follows by then |
//!
//! Every `event` carries the log's `epoch` and `offset`, the same on every gateway, and `prev`, the offset of the message
//! before it in the same topic: who has not heard `prev` has missed something. Who comes back with its last offset gets
//! what it missed, or `resync` first: read anew, then subscribe from the offset of the heartbeat or of `subscribed`.
//!
//! Positions are binary frames ([`position`]), newest wins, at most one per driver and second; they may be dropped.

mod ear;
pub mod feed;
pub mod hub;
mod message;
pub mod position;
mod rights;
mod session;
pub(crate) mod sse;
mod topic;
pub(crate) mod ws;

pub(crate) use rights::Rights;

use std::sync::Arc;

use kernel::time::SharedClock;
use platform::live::Live;

use hub::Hub;

/// What realtime clients are served with.
#[derive(Debug, Clone)]
pub struct Realtime {
    /// Hands out events.
    pub hub: Hub,
    /// Where positions are heard.
    pub live: Arc<dyn Live>,
    /// Asks services in the gateway's own name.
    pub peers: platform::http::Peers,
    /// Business time.
    pub clock: SharedClock,
}
