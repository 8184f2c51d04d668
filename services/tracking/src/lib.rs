//! # Tracking
//!
//! Owns: positions (live and history), the timeline of each delivery, expected times, geofences, the customer's page with
//! ratings, devices with apps of others, settings; what is learned about times and doors. Tables: `positions`, `delivery_updates`,
//! `devices`, `ratings`, `settings`, `eta_predictions`, `eta_legs`, `eta_shifts`, `eta_models`, `handovers`, `doors`; read models
//! `orders`, `drivers`, `routes`, `shops`.
//!
//! Publishes: `delivery.updated.v1`, `delivery.eta_changed.v1`, `delivery.arriving.v1`, `delivery.delayed.v1`,
//! `driver.location_stale.v1`, `travel.learned.v1`; positions go to the live store (`contracts::tracking::DriverLocation`), never into the log.
//! Consumes: `order.*`, `proof.captured.v1`, `driver.created.v1`, `driver.updated.v1`, `route.changed.v1`, `shop.created.v1`,
//! `shop.updated.v1`, `shop.deleted.v1`. Calls drivers (names for the page) and orders (arrivals).
//!
//! Invariants: a position that was acknowledged is in the history, once; a timeline has a row for every event that changed
//! something, in their order; a customer sees a courier only while nobody else's stop comes first; a secret of a device is
//! stored as a hash and shown once; comments are sealed. Positions write no audit rows: they are measurements, and there are
//! more of them than of everything else together.

mod atlas;
mod commands;
mod consumers;
mod context;
mod domain;
mod held;
mod http;
mod jobs;
mod permissions;
mod queries;
mod store;

use contracts::Event;
use contracts::tracking::{
    DeliveryArriving, DeliveryDelayed, DeliveryEtaChanged, DeliveryUpdated, DriverLocationStale,
    TravelLearned,
};
use platform::Result;
use platform::http::openapi::ServiceApi;
use platform::service::{Ground, Manifest, Service};
use sqlx::migrate::Migrator;

use context::Tracking;
pub use permissions::PERMISSIONS;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "tracking";

/// The services that it calls.
pub const NEEDS: &[&str] = &["drivers", "orders"];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[
            DeliveryUpdated::SUBJECT,
            DeliveryEtaChanged::SUBJECT,
            DeliveryArriving::SUBJECT,
            DeliveryDelayed::SUBJECT,
            DriverLocationStale::SUBJECT,
            TravelLearned::SUBJECT,
        ],
        permissions: PERMISSIONS,
        sealed: store::SEALED,
    }
}

/// The service, ready to run.
pub fn service(ground: &Ground) -> Result<Service> {
    let tracking = Tracking::new(ground);
    Ok(Service {
        manifest: manifest(),
        api: api(&tracking)?,
        internal: Some(http::internal::api(&tracking)),
        consumers: consumers::all(),
        jobs: vec![
            jobs::follow_driver::kind(tracking.clone()),
            jobs::report_arrival::kind(tracking.clone()),
            jobs::watch_silence::kind(tracking.clone()),
            jobs::learn_eta::kind(tracking.clone()),
            jobs::learn_doors::kind(tracking),
            jobs::learn::kind(),
            jobs::keep_positions::kind(),
        ],
        schedules: vec![
            jobs::watch_silence::schedule()?,
            jobs::keep_positions::schedule()?,
            jobs::learn::schedule()?,
        ],
        db: Some(ground.db.clone()),
    })
}

fn api(tracking: &Tracking) -> Result<ServiceApi> {
    http::routes().with_state(tracking.clone()).finish(PERMISSIONS)
}
