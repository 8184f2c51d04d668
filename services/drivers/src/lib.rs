//! # Drivers
//!
//! Owns: driver profiles, vehicles, shifts, availability with its history, documents, ratings.
//!
//! Publishes: `driver.created.v1`, `driver.updated.v1`, `driver.availability_changed.v1`, `driver.available.v1`. Consumes
//! `user.created.v1` and `user.role_changed.v1`; asks identity for names and numbers; answers which driver an account is and
//! what a customer may know of a driver.
//!
//! Invariants: an account has one profile per organisation; who does not work here, or whose required document has run out,
//! is off duty; a driver's shifts do not overlap; an older tap never undoes a newer one; names and numbers are sealed with a
//! key per driver, whose subject is the driver's identifier.

mod access;
mod commands;
mod consumers;
mod context;
mod domain;
mod entities;
mod http;
mod jobs;
mod permissions;
mod queries;
mod roster;
mod store;

use contracts::Event;
use contracts::drivers::{DriverAvailabilityChanged, DriverAvailable, DriverCreated, DriverUpdated};
use platform::http::openapi::ServiceApi;
use platform::service::{Ground, Manifest, Service};
use platform::{Result, files};
use sqlx::migrate::Migrator;

pub use commands::ratings::rate;
use context::Drivers;
pub use permissions::PERMISSIONS;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "drivers";

/// The services that it calls.
pub const NEEDS: &[&str] = &["identity"];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[
            DriverCreated::SUBJECT,
            DriverUpdated::SUBJECT,
            DriverAvailabilityChanged::SUBJECT,
            DriverAvailable::SUBJECT,
        ],
        permissions: PERMISSIONS,
        sealed: store::SEALED,
    }
}

/// The service, ready to run.
pub fn service(ground: &Ground) -> Result<Service> {
    let drivers = Drivers::new(ground);
    Ok(Service {
        manifest: manifest(),
        api: api(&drivers)?,
        internal: Some(http::internal::api(&drivers)),
        consumers: vec![consumers::onboarding::consumer()],
        jobs: vec![
            jobs::learn_person::kind(drivers.clone()),
            jobs::forget_roster::kind(drivers.clone()),
            jobs::daily::kind(drivers),
            files::sweep_kind(ground.files.clone()),
        ],
        schedules: vec![jobs::daily::schedule()?, files::sweep_schedule()?],
        db: Some(ground.db.clone()),
    })
}

fn api(drivers: &Drivers) -> Result<ServiceApi> {
    http::routes().with_state(drivers.clone()).finish(PERMISSIONS)
}
