//! Orders against a real PostgreSQL, with drivers played by the test.
#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod bulk;
mod catalog;
mod conventions;
mod creating;
mod hands;
mod imports;
mod model;
mod packages;
mod privacy;
mod proofs;
mod race;
mod reading;
mod recurrence;
mod steps;
mod updating;
mod world;
