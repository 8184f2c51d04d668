//! Storefront against a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod access;
mod catalog;
mod hours;
mod quotes;
mod shops;
mod world;
mod zones;
