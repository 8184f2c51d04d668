//! The integration tests of the platform, in one binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod bus_conformance;
mod bus_consumer;
mod bus_log;
mod bus_mutants;
mod db;
mod demo;
mod egress;
mod files;
mod idempotency;
mod inbox;
mod jobs;
mod left;
mod migrate;
mod private_postgres;
mod rotation;
mod services;
mod shared_memory;
mod tenancy;
mod vault;
