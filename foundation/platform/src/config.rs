//! Configuration. (The sections follow in the next commits.)

pub mod secrets;
