//! What changes something, one use case per file.

pub mod apply;
pub mod follow;
pub mod look;
pub mod offers;
pub mod policy;
pub mod reconcile;
pub mod refused;
pub mod routes;
