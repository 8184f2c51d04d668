//! What every service stands on: PostgreSQL, transactions, the event log, jobs, HTTP, authentication, protection of
//! personal data, configuration and telemetry.
//!
//! A service never opens a connection, starts a transaction, spawns a task or reads a clock by itself; it is handed
//! the values of this crate. The rules that hold everywhere (design sections 2 to 6) are enforced here once.

pub mod audit;
pub mod auth;
pub mod bus;
pub mod cache;
pub mod clock;
pub mod config;
pub mod db;
pub mod egress;
pub mod error;
pub mod files;
pub mod http;
pub mod idempotency;
pub mod jobs;
pub mod lifecycle;
pub mod live;
pub mod mail;
pub mod migrate;
pub mod permissions;
pub mod postgres;
mod procfs;
pub mod qr;
pub mod service;
pub mod telemetry;
pub mod travel;
pub mod vault;

pub use error::{Error, Kind, Result};
