//! What identity decides, without I/O: addresses and numbers, roles and who may grant them, tokens, sessions.

pub mod contact;
pub mod membership;
pub mod refresh;
pub mod secret;
