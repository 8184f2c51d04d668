//! What storefront hears.

use contracts::tracking::TravelLearned;
use platform::bus::Consumer;

use crate::store::factors;

/// All of them.
pub fn all() -> Vec<Consumer> {
    vec![travel()]
}

/// Tracking: how long ways really take, for quotes.
fn travel() -> Consumer {
    Consumer::new("storefront.travel").on::<TravelLearned, _>(|tx, delivery, event| {
        Box::pin(async move { factors::put(tx, delivery.version, &event.factors).await })
    })
}
