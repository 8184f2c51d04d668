//! The ground floor: identifiers, money, places, loads, travel times, time and chance as types.
//!
//! Nothing here does I/O, and nothing here reads a clock or draws a random number by itself: both are handed in
//! ([`time::Clock`], [`random::Random`]), so that a test can move the first and repeat the second.
//!
//! Everything above depends on this crate, so it changes rarely and carries no heavy dependency.

pub mod geo;
pub mod ids;
pub mod load;
pub mod money;
pub mod random;
pub mod time;
pub mod travel;
