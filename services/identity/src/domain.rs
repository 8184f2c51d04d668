//! What identity decides, without I/O: addresses and numbers, roles and who may grant them, tokens, sessions, passwords
//! and PINs, second factors.

pub mod contact;
pub mod membership;
pub mod password;
pub mod pin;
pub mod recovery;
pub mod refresh;
pub mod secret;
pub mod totp;
