//! Keeps what storefront tells of shops: where orders are picked up, and how they are numbered. Recurring orders keep to
//! the clock of their shop.

use contracts::storefront::{ShopCreated, ShopDeleted, ShopUpdated};
use platform::bus::Consumer;

use crate::commands::recurrences::follow_shop;
use crate::context::Orders;
use crate::store::shops;

/// The consumer.
pub fn consumer(context: &Orders) -> Consumer {
    let context = context.clone();
    Consumer::new("orders.shops")
        .on::<ShopCreated, _>(|tx, delivery, event| {
            Box::pin(async move { shops::save(tx, event.shop_id, delivery.version, &event.facts).await })
        })
        .on::<ShopUpdated, _>(move |tx, delivery, event| {
            let context = context.clone();
            Box::pin(async move {
                shops::save(tx, event.shop_id, delivery.version, &event.facts).await?;
                follow_shop(tx, &context, event.shop_id, &event.facts.time_zone).await
            })
        })
        .on::<ShopDeleted, _>(|tx, delivery, event| {
            Box::pin(async move { shops::delete(tx, event.shop_id, delivery.version).await })
        })
}
