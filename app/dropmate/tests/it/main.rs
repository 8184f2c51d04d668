//! The program from outside: real processes on free ports, data in folders of their own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking; its names are its documentation")]

mod acme;
mod backup;
mod beside;
mod broker;
mod cache;
mod files;
mod life;
mod map;
mod plain_user;
mod refusals;
mod roles;
mod schema;
mod sim_clock;
mod support;
mod tls;
mod vault;
