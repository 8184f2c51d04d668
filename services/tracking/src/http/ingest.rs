//! `/api/v1/ingest/...`: what tracker apps speak, unchanged.
//!
//! The apps cannot be told to send our tokens: each shows the secret of its device in its own way, which is checked here. A
//! secret that nobody knows is 404 `unknown_device` (400 for the query form, as its clients expect). What can be read is
//! answered as the app expects success, whatever became of single positions: an app that hears anything else sends them again
//! for ever.

pub(super) mod body;
mod gpslogger;
mod overland;
mod owntracks;
mod traccar;

use std::time::Duration;

use platform::db::Scope;
use platform::http::openapi::Api;
use platform::http::rate_limit::Policy;
use platform::{Error, Kind, Result};
use utoipa_axum::routes;

use crate::commands::batch::{Incoming, Source};
use crate::commands::report;
use crate::context::Tracking;
use crate::domain::protocols::{Decoded, Unreadable};
use crate::store::devices;

/// Messages of one device: ten a second, so that one that has gone mad does not take the turn of others. A 429 makes the apps
/// send again later.
const PER_DEVICE: Policy = Policy { name: "device", quota: 600, window: Duration::from_mins(1) };

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(owntracks::ingest_owntracks))
        .routes(routes!(traccar::ingest_traccar, traccar::ingest_traccar_query))
        .routes(routes!(gpslogger::ingest_gpslogger))
        .routes(routes!(overland::ingest_overland))
        .routes(routes!(overland::ingest_overland_token))
}

/// Takes the positions of the device with this secret. A message without positions says that the device is there.
async fn take(tracking: &Tracking, secret: Option<&str>, reports: Vec<Decoded>) -> Result<()> {
    let secret = secret.ok_or_else(unknown_device)?;
    let mut tx = tracking.db().read(&Scope::installation()).await?;
    let located = devices::locate(&mut tx, secret).await?;
    tx.rollback().await?;
    let device = located.ok_or_else(unknown_device)?;
    let limiter = &tracking.ground().limiter;
    limiter.check(&PER_DEVICE, &device.id.to_string()).await?.enforce()?;
    let incoming = Incoming { driver_id: device.driver_id, source: Source::Device(device.id), reports };
    report::report(tracking, device.org, incoming).await?;
    Ok(())
}

fn unknown_device() -> Error {
    Error::new(Kind::NotFound, "unknown_device", "There is no device with this secret.")
}

fn unreadable(_: Unreadable) -> Error {
    Error::new(
        Kind::Invalid,
        "unreadable",
        "This is no message of the protocol, or it is encrypted with a key of the app's own.",
    )
}
