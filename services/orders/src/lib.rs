//! # Orders
//!
//! Owns: orders with their two stops, packages with their scans, the order state machine, proof of delivery, corrections,
//! and the history of all of it; rules by which orders come back, and imports of orders from tables. It is the only judge of
//! who has an order and where it stands.
//!
//! Publishes: `order.created.v1`, `order.assigned.v1`, `order.status_changed.v1`, `order.updated.v1`, `order.cancelled.v1`,
//! `proof.captured.v1`. Consumes: `shop.*.v1` and `zone.*.v1` into read models, and its own events to take back summaries.
//! Asks drivers which driver a signed-in person is.
//!
//! Invariants: one driver at most has an order; nothing is delivered that was not picked up; attempts never fall; the
//! history is appended and never changed; every change of movement goes one way (`commands::moving`) and publishes its
//! events once; an occurrence of a rule and a row of an import have one order at most, written together with it; what is
//! about people is sealed with a key per stop, recurrence or import, or the customer's.

mod commands;
mod consumers;
mod context;
mod domain;
mod entities;
mod error;
mod http;
mod jobs;
mod permissions;
mod queries;
mod store;

use contracts::Event;
use contracts::orders::{
    OrderAssigned, OrderCancelled, OrderCreated, OrderStatusChanged, OrderUpdated, ProofCaptured,
};
use platform::Result;
use platform::files;
use platform::http::openapi::ServiceApi;
use platform::service::{Ground, Manifest, Service};
use sqlx::migrate::Migrator;

use context::Orders;
pub use permissions::PERMISSIONS;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "orders";

/// The services that it calls.
pub const NEEDS: &[&str] = &["drivers"];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[
            OrderAssigned::SUBJECT,
            OrderCancelled::SUBJECT,
            OrderCreated::SUBJECT,
            OrderStatusChanged::SUBJECT,
            OrderUpdated::SUBJECT,
            ProofCaptured::SUBJECT,
        ],
        permissions: PERMISSIONS,
        sealed: store::SEALED,
    }
}

/// The service, ready to run.
pub fn service(ground: &Ground) -> Result<Service> {
    let context = Orders::new(ground);
    Ok(Service {
        manifest: manifest(),
        api: api(&context)?,
        internal: Some(http::internal::api(&context)),
        consumers: vec![
            consumers::shops::consumer(&context),
            consumers::zones::consumer(),
            consumers::summaries::consumer(&context),
        ],
        jobs: vec![
            jobs::make_recurring::kind(context.clone()),
            jobs::run_import::kind(context.clone()),
            jobs::undo_import::kind(context.clone()),
            jobs::clear_import::kind(context),
            files::sweep_kind(ground.files.clone()),
        ],
        schedules: vec![jobs::make_recurring::schedule()?, files::sweep_schedule()?],
        db: Some(ground.db.clone()),
    })
}

fn api(context: &Orders) -> Result<ServiceApi> {
    http::routes().with_state(context.clone()).finish(PERMISSIONS)
}
