//! `shop.created`, `shop.updated`, `shop.deleted` -> what customers see of shops.

use contracts::storefront::{ShopCreated, ShopDeleted, ShopUpdated};
use platform::bus::Consumer;

use crate::store::shops;

pub(super) fn consumer() -> Consumer {
    Consumer::new("tracking.shops")
        .on::<ShopCreated, _>(|tx, heard, event| {
            Box::pin(async move { shops::put(tx, event.shop_id, heard.version, &event.facts).await })
        })
        .on::<ShopUpdated, _>(|tx, heard, event| {
            Box::pin(async move { shops::put(tx, event.shop_id, heard.version, &event.facts).await })
        })
        .on::<ShopDeleted, _>(|tx, heard, event| {
            Box::pin(async move { shops::mark_deleted(tx, event.shop_id, heard.version).await })
        })
}
