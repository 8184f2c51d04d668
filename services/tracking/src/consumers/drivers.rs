//! `driver.created`, `driver.updated` -> who drivers are and how they travel.

use contracts::drivers::{DriverCreated, DriverUpdated};
use platform::bus::Consumer;

use crate::store::drivers;

pub(super) fn consumer() -> Consumer {
    Consumer::new("tracking.drivers")
        .on::<DriverCreated, _>(|tx, heard, event| {
            Box::pin(async move { drivers::put(tx, event.driver_id, heard.version, &event.facts).await })
        })
        .on::<DriverUpdated, _>(|tx, heard, event| {
            Box::pin(async move { drivers::put(tx, event.driver_id, heard.version, &event.facts).await })
        })
}
