//! What services say to each other: public events, and the views and clients that follow with the first caller.
//!
//! Events carry identifiers and states, never personal data: who needs a name or an address asks its owner. A change
//! is additive; anything else is a new version of the subject, published beside the old one until nobody reads it.

pub mod calls;
mod event;
pub mod identity;

pub use event::{Event, EventDescription, asyncapi, catalogue};
