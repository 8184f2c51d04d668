//! # Identity
//!
//! Owns: organisations with their logos, users with their photos, memberships and roles, sessions, API keys and device
//! keys, signing keys, invitations.
//! Users, credentials, sessions, signing keys, second factors, one-time links and the credential index are installation-wide; the rest
//! belongs to one organisation.
//!
//! Publishes: `user.created.v1`, `user.updated.v1`, `user.role_changed.v1`, `organization.created.v1`. Consumes nothing.
//!
//! Invariants: an organisation has an owner; a person has one current membership per organisation; a secret is stored
//! as a hash and shown once; a refresh token works once; names, addresses and numbers are sealed with a key per person.

pub mod commands;
mod context;
pub mod domain;
pub mod entities;
mod exchange;
mod hashing;
mod http;
mod jobs;
pub mod keys;
mod permissions;
mod queries;
mod relying_party;
mod store;

use contracts::Event;
use contracts::identity::{OrganizationCreated, UserCreated, UserRoleChanged, UserUpdated};
use platform::Result;
use platform::files;
use platform::http::openapi::ServiceApi;
use platform::service::{Manifest, Service};
use sqlx::migrate::Migrator;

pub use context::{Deps, Identity, Settings};
pub use exchange::CachedExchange;
pub use permissions::PERMISSIONS;
pub use store::organizations::Details as OrganizationDetails;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "identity";

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[
            OrganizationCreated::SUBJECT,
            UserCreated::SUBJECT,
            UserRoleChanged::SUBJECT,
            UserUpdated::SUBJECT,
        ],
        permissions: PERMISSIONS,
        sealed: store::SEALED,
    }
}

/// Its routes and document.
pub fn api(identity: &Identity) -> Result<ServiceApi> {
    http::routes().with_state(identity.clone()).finish(PERMISSIONS)
}

/// Operations for other services, where identity is a process of its own.
pub fn internal_api(identity: &Identity) -> ServiceApi {
    http::internal::api(identity)
}

/// The service, ready to run. Load the signing keys first ([`keys::load`]).
pub fn service(identity: &Identity) -> Result<Service> {
    Ok(Service {
        manifest: manifest(),
        api: api(identity)?,
        internal: Some(internal_api(identity)),
        consumers: Vec::new(),
        jobs: vec![
            jobs::send_link::kind(identity.clone()),
            jobs::send_invitation::kind(identity.clone()),
            jobs::purge::kind(),
            jobs::rotate_keys::kind(identity.clone()),
            files::sweep_kind(identity.files().clone()),
        ],
        schedules: vec![jobs::purge::schedule()?, jobs::rotate_keys::schedule()?, files::sweep_schedule()?],
        db: Some(identity.db().clone()),
    })
}
