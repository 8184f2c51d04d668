//! Keeps what storefront tells of zones: the zone of a drop-off is decided here.

use contracts::storefront::{ZoneCreated, ZoneDeleted, ZoneUpdated};
use platform::bus::Consumer;

use crate::store::zones;

/// The consumer.
pub fn consumer() -> Consumer {
    Consumer::new("orders.zones")
        .on::<ZoneCreated, _>(|tx, delivery, event| {
            Box::pin(async move { zones::save(tx, event.zone_id, delivery.version, &event.facts).await })
        })
        .on::<ZoneUpdated, _>(|tx, delivery, event| {
            Box::pin(async move { zones::save(tx, event.zone_id, delivery.version, &event.facts).await })
        })
        .on::<ZoneDeleted, _>(|tx, delivery, event| {
            Box::pin(async move { zones::delete(tx, event.zone_id, delivery.version).await })
        })
}
