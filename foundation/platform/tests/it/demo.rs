//! The service that the proofs run on.

pub use testkit::demo::*;
