//! The hub of a simulated clock, as tests know it.

pub use platform::clock::hub::Hub;
