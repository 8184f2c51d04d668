//! Orders and packages as lists and screens show them.

pub mod orders;
pub mod packages;
pub mod proofs;
