//! Keeps what storefront tells of shops: where orders are picked up, and how they are numbered.

use contracts::storefront::{ShopCreated, ShopDeleted, ShopUpdated};
use platform::bus::Consumer;

use crate::store::shops;

/// The consumer.
pub fn consumer() -> Consumer {
    Consumer::new("orders.shops")
        .on::<ShopCreated, _>(|tx, delivery, event| {
            Box::pin(async move { shops::save(tx, event.shop_id, delivery.version, &event.facts).await })
        })
        .on::<ShopUpdated, _>(|tx, delivery, event| {
            Box::pin(async move { shops::save(tx, event.shop_id, delivery.version, &event.facts).await })
        })
        .on::<ShopDeleted, _>(|tx, delivery, event| {
            Box::pin(async move { shops::delete(tx, event.shop_id, delivery.version).await })
        })
}
