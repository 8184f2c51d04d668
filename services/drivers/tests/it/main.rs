//! Drivers against a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod access;
mod availability;
mod calls;
mod catalog;
mod documents;
mod onboarding;
mod profiles;
mod races;
mod ratings;
mod roster;
mod shifts;
mod vehicles;
mod world;
