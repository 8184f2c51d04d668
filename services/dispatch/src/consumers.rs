//! What dispatch hears.

use contracts::drivers::{DriverAvailabilityChanged, DriverCreated, DriverUpdated};
use contracts::orders::{OrderAssigned, OrderCreated, OrderStatusChanged, OrderUpdated};
use contracts::storefront::{ZoneCreated, ZoneDeleted, ZoneUpdated};
use contracts::tracking::TravelLearned;
use platform::Result;
use platform::bus::Consumer;
use platform::db::Tx;

use crate::commands::follow;
use crate::jobs::reconcile::Reconcile;
use crate::store::{drivers, factors, orders, zones};

/// All of them.
pub fn all() -> Vec<Consumer> {
    vec![movements(), roster(), pools(), travel()]
}

/// Orders: the queue and the routes follow them.
fn movements() -> Consumer {
    Consumer::new("dispatch.orders")
        .on::<OrderCreated, _>(|tx, delivery, event| {
            Box::pin(async move { follow::created(tx, delivery.version, &event).await })
        })
        .on::<OrderUpdated, _>(|tx, delivery, event| {
            Box::pin(async move { follow::updated(tx, delivery.version, event.order_id, &event.facts).await })
        })
        .on::<OrderAssigned, _>(|tx, delivery, event| {
            Box::pin(async move { follow::assigned(tx, delivery.version, &event).await })
        })
        .on::<OrderStatusChanged, _>(|tx, delivery, event| {
            Box::pin(async move { follow::moved(tx, delivery.version, &event).await })
        })
}

/// Drivers: who may be asked. Whoever becomes available may be the one that an order waits for.
fn roster() -> Consumer {
    Consumer::new("dispatch.drivers")
        .on::<DriverCreated, _>(|tx, delivery, event| {
            Box::pin(async move { drivers::put(tx, event.driver_id, delivery.version, &event.facts).await })
        })
        .on::<DriverUpdated, _>(|tx, delivery, event| {
            Box::pin(async move {
                drivers::put(tx, event.driver_id, delivery.version, &event.facts).await?;
                look_again(tx).await
            })
        })
        .on::<DriverAvailabilityChanged, _>(|tx, _delivery, event| {
            Box::pin(async move {
                drivers::set_availability(tx, event.driver_id, event.to).await?;
                look_again(tx).await
            })
        })
}

async fn look_again(tx: &mut Tx) -> Result<()> {
    orders::wake(tx).await?;
    Reconcile::enqueue(tx).await
}

/// Zones: who delivers there.
fn pools() -> Consumer {
    Consumer::new("dispatch.zones")
        .on::<ZoneCreated, _>(|tx, delivery, event| {
            Box::pin(async move { zones::put(tx, event.zone_id, delivery.version, &event.facts.pool).await })
        })
        .on::<ZoneUpdated, _>(|tx, delivery, event| {
            Box::pin(async move { zones::put(tx, event.zone_id, delivery.version, &event.facts.pool).await })
        })
        .on::<ZoneDeleted, _>(|tx, _delivery, event| {
            Box::pin(async move { zones::delete(tx, event.zone_id).await })
        })
}

/// Tracking: how long ways really take.
fn travel() -> Consumer {
    Consumer::new("dispatch.travel").on::<TravelLearned, _>(|tx, delivery, event| {
        Box::pin(async move { factors::put(tx, delivery.version, &event.factors).await })
    })
}
