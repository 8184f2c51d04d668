//! Tracking against a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod arrivals;
mod audited;
mod conventions;
mod devices;
mod eta;
mod eta_learning;
mod ingest;
mod journey;
mod live;
mod maps;
mod page;
mod page_map;
mod positions;
mod proof;
mod ratings;
mod settings;
mod silence;
mod timeline;
mod world;
