//! What dispatch does in the background.

pub mod assign;
pub mod expire_offer;
pub mod purge;
pub mod reconcile;
pub mod wake;
