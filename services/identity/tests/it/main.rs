//! Identity against a real PostgreSQL, through the gateway.

mod app;
mod first_run;
