//! Takes back what is kept of an order when it has changed, in case the process that changed it could not.

use contracts::orders::{OrderAssigned, OrderStatusChanged, OrderUpdated};
use platform::bus::{Consumer, StartFrom};

use crate::context::Orders;

/// The consumer. Old changes are no news: what was kept before it began has ended by itself.
pub fn consumer(context: &Orders) -> Consumer {
    let [assigned, moved, updated] = [context.clone(), context.clone(), context.clone()];
    Consumer::new("orders.summaries")
        .starting_from(StartFrom::End)
        .on::<OrderAssigned, _>(move |_tx, delivery, event| {
            let context = assigned.clone();
            Box::pin(async move { forget(&context, delivery.org, event.order_id).await })
        })
        .on::<OrderStatusChanged, _>(move |_tx, delivery, event| {
            let context = moved.clone();
            Box::pin(async move { forget(&context, delivery.org, event.order_id).await })
        })
        .on::<OrderUpdated, _>(move |_tx, delivery, event| {
            let context = updated.clone();
            Box::pin(async move { forget(&context, delivery.org, event.order_id).await })
        })
}

async fn forget(
    context: &Orders,
    org: kernel::ids::OrgId,
    order: kernel::ids::OrderId,
) -> platform::Result<()> {
    context.forget(Some(org), order).await;
    Ok(())
}
