//! # Storefront
//!
//! Owns: shops with their opening hours, delivery zones with their fees, and quotes.
//!
//! Publishes: `shop.created.v1`, `shop.updated.v1`, `shop.deleted.v1`, `zone.created.v1`, `zone.updated.v1`,
//! `zone.deleted.v1`. Consumes `travel.learned.v1`, so that quotes know how long ways really take. Calls nobody: others keep read
//! models of shops and zones.
//!
//! Invariants: a deleted shop is not there any more, and neither are its zones; a zone is an area without crossings; a
//! quote is never changed, and gone a day after it ended.

mod commands;
mod consumers;
mod context;
mod domain;
mod entities;
mod http;
mod jobs;
mod permissions;
mod queries;
mod store;

use contracts::Event;
use contracts::storefront::{ShopCreated, ShopDeleted, ShopUpdated, ZoneCreated, ZoneDeleted, ZoneUpdated};
use platform::Result;
use platform::http::openapi::ServiceApi;
use platform::service::{Ground, Manifest, Service};
use sqlx::migrate::Migrator;

use context::Storefront;
pub use permissions::PERMISSIONS;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "storefront";

/// The services that it calls.
pub const NEEDS: &[&str] = &[];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[
            ShopCreated::SUBJECT,
            ShopUpdated::SUBJECT,
            ShopDeleted::SUBJECT,
            ZoneCreated::SUBJECT,
            ZoneUpdated::SUBJECT,
            ZoneDeleted::SUBJECT,
        ],
        permissions: PERMISSIONS,
        sealed: &[],
    }
}

/// The service, ready to run.
pub fn service(ground: &Ground) -> Result<Service> {
    Ok(Service {
        manifest: manifest(),
        api: api(&Storefront::new(ground))?,
        internal: None,
        consumers: consumers::all(),
        jobs: vec![jobs::purge_quotes::kind()],
        schedules: vec![jobs::purge_quotes::schedule()?],
        db: Some(ground.db.clone()),
    })
}

fn api(storefront: &Storefront) -> Result<ServiceApi> {
    http::routes().with_state(storefront.clone()).finish(PERMISSIONS)
}
