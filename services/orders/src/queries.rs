//! Orders and packages as lists and screens show them.

pub mod counts;
pub mod imports;
pub mod orders;
pub mod packages;
pub mod pins;
pub mod proofs;
pub mod recurrences;
