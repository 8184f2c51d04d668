//! The layers around every router, outermost first.

mod context;

pub use context::{RequestContext, Trace};
