//! What services say to each other: public events, and the calls that have to be answered at once ([`calls`]).
//!
//! Events carry identifiers and states, never personal data: who needs a name or an address asks its owner. A change
//! is additive; anything else is a new version of the subject, published beside the old one until nobody reads it.

pub mod calls;
pub mod dispatch;
pub mod drivers;
mod event;
pub mod identity;
pub mod orders;
mod realtime;
pub mod storefront;
pub mod tracking;

pub use event::{Event, EventDescription, asyncapi, catalogue};
