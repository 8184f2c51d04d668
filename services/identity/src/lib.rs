//! # Identity
//!
//! Owns: organisations, users, memberships and roles, sessions, API keys and device keys, signing keys, invitations.
//! Users, credentials, sessions, signing keys, one-time links and the credential index are installation-wide; the rest
//! belongs to one organisation.
//!
//! Publishes: `user.created.v1`, `user.updated.v1`, `user.role_changed.v1`, `organization.created.v1`. Consumes nothing.
//!
//! Invariants: an organisation has an owner; a person has one current membership per organisation; a secret is stored
//! as a hash and shown once; a refresh token works once; names, addresses and numbers are sealed with a key per person.

pub mod domain;
pub mod entities;
mod store;
