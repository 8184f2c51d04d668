//! A whole installation as real processes on private ports, in either shape, with faults between them.
//!
//! - [`Shape`]: everything in one process with its private PostgreSQL, or every service in a process of its own on a
//!   database of the test run's PostgreSQL. A scenario is written once, against [`App`], and runs in both.
//! - [`Cluster`]: the split shape. A process gets what it would get in earnest: the passwords of its own roles, its own
//!   data folder, and no key that it does not use.
//! - [`Beside`]: a broker and a shared cache, real servers, where the story has them.
//! - [`Proxy`]: cuts, delays and slows what flows between a service and the database, the broker or the cache, or between
//!   the gateway and a service.
//! - [`Killer`]: who is killed when, from a seed.
//! - [`OpLog`]: what clients were told, and the verdict over what is there.

mod app;
mod beside;
mod cluster;
mod killer;
mod member;
mod oplog;
mod proxy;
mod shared_database;

pub use crate::process::http_client as client;
pub use app::{App, Shape};
pub use beside::{Beside, Proxied};
pub use cluster::{Cluster, OTHERS, Plan};
pub use killer::{Kill, Killer};
pub use member::Member;
pub use oplog::{OpLog, Outcome, Verdict};
pub use proxy::{Proxy, Upstream, Way};
