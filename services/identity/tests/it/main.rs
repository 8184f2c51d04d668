//! Identity against a real PostgreSQL, through the gateway.

mod access;
mod app;
mod catalog;
mod conventions;
mod document;
mod first_run;
mod guessing;
mod invitations;
mod keys;
mod members;
mod passwords;
mod privacy;
mod refresh;
mod sessions;
mod sign_in;
mod signing;
