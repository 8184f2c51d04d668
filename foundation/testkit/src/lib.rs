//! What tests stand on: a database per test cloned from a prepared template, a clock that is moved, seeded randomness,
//! recording fakes of outside systems, and a drop check that no event or job is left behind.
//!
//! Only dev-dependencies and the crates `tests` and `bench` may use it.

pub mod catalog;
pub mod cluster;
pub mod conformance;
pub mod database;
pub mod demo;
pub mod http;
pub mod logs;
pub mod mail;
pub mod nats;
pub mod pebble;
pub mod process;
pub mod proof;
pub mod queries;
pub mod redis;
pub mod rights;
pub mod s3;
pub mod sandbox;
pub mod schedule;
pub mod server;
pub mod service;
pub mod simclock;

pub use database::TestDb;
pub use kernel::ids::OrgId;

pub use mail::RecordingMailer;
pub use nats::NatsServer;
pub use process::Installation;
pub use proof::Proof;
pub use redis::RedisServer;
pub use s3::S3Server;
