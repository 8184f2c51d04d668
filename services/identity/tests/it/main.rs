//! Identity against a real PostgreSQL, through the gateway.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod access;
mod app;
mod audited;
mod catalog;
mod conventions;
mod document;
mod first_run;
mod guessing;
mod invitations;
mod keys;
mod members;
mod passkeys;
mod passwords;
mod pictures;
mod privacy;
mod refresh;
mod rotation;
mod second_factor;
mod sessions;
mod sign_in;
mod signing;
