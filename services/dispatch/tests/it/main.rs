//! Dispatch against a real PostgreSQL; orders and tracking are played.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod automatic;
mod document;
mod fenced;
mod offers;
mod routes;
mod world;
