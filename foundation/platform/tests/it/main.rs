//! The integration tests of the platform, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; its names are its documentation"
)]

mod bus_conformance;
mod bus_consumer;
mod demo;
mod private_postgres;
