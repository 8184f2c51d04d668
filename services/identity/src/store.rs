//! The SQL of identity. Row types are private; what leaves here are the entities of `crate::entities`.

pub mod api_keys;
pub mod challenges;
pub mod credentials;
pub mod invitations;
pub mod links;
pub mod memberships;
pub mod organizations;
pub mod recovery_codes;
pub mod sessions;
pub mod signing_keys;
pub mod totp;
pub mod users;
