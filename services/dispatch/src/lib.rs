//! # Dispatch
//!
//! Owns: the queue of orders that nobody has, offers, routes (a driver's ordered stops), policies, decisions and their
//! reasons. Orders, drivers and zones are read models that are made from events.
//!
//! Publishes: `dispatch.assignment_proposed.v1`, `dispatch.offer_made.v1`, `dispatch.offer_declined.v1`, `route.changed.v1`.
//! Consumes: `order.created`, `order.updated`, `order.assigned`, `order.status_changed`; `driver.created`,
//! `driver.updated`, `driver.availability_changed`; `zone.created`, `zone.updated`, `zone.deleted` (each `.v1`).
//!
//! Calls: orders, to say who should have an order; tracking, to ask where drivers are. Both may be away: the job that tells
//! orders tries again, and without positions drivers are taken to be where they begin.
//!
//! Invariants: who has an order is decided by orders alone; a decision is stored with all that it depended on and can be
//! made again; a process that was stopped while it decided writes nothing afterwards; the first to accept an offer wins;
//! each end of an order is one stop of one route; a drop-off comes after its pick-up; a locked stop keeps its place.

mod commands;
mod consumers;
mod context;
pub mod domain;
mod http;
mod jobs;
mod permissions;
mod store;

use contracts::Event as _;
use contracts::dispatch::{AssignmentProposed, OfferDeclined, OfferMade, RouteChanged};
use platform::Result;
use platform::service::{Ground, Manifest, Service};
use sqlx::migrate::Migrator;

use crate::context::Dispatch;
pub use crate::permissions::PERMISSIONS;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "dispatch";

/// The services that it calls.
pub const NEEDS: &[&str] = &["orders", "tracking"];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[
            AssignmentProposed::SUBJECT,
            OfferMade::SUBJECT,
            OfferDeclined::SUBJECT,
            RouteChanged::SUBJECT,
        ],
        permissions: PERMISSIONS,
        sealed: &[],
    }
}

/// The service, ready to run.
pub fn service(ground: &Ground) -> Result<Service> {
    let dispatch = Dispatch::new(ground);
    Ok(Service {
        manifest: manifest(),
        api: http::routes().with_state(dispatch.clone()).finish(PERMISSIONS)?,
        internal: None,
        consumers: consumers::all(),
        jobs: vec![
            jobs::reconcile::kind(dispatch.clone()),
            jobs::assign::kind(dispatch),
            jobs::expire_offer::kind(),
            jobs::wake::kind(),
            jobs::purge::kind(),
        ],
        schedules: vec![jobs::wake::schedule()?, jobs::purge::schedule()?],
        db: Some(ground.db.clone()),
    })
}
