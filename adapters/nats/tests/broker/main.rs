//! The broker against a real server and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod loss;
mod mutants;
mod relay;
mod requirements;
mod source;
mod support;
