//! Identity against a real PostgreSQL, through the gateway.

mod app;
mod first_run;
mod guessing;
mod refresh;
mod sessions;
mod sign_in;
