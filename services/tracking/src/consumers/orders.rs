//! `order.*` and `proof.captured` -> deliveries and their timelines.

use contracts::orders::{
    OrderAssigned, OrderCancelled, OrderCreated, OrderStatusChanged, OrderUpdated, ProofCaptured,
};
use platform::bus::Consumer;

use crate::commands::order_events as on;

pub(super) fn consumer() -> Consumer {
    Consumer::new("tracking.orders")
        .on::<OrderCreated, _>(|tx, heard, event| Box::pin(on::created(tx, heard, event)))
        .on::<OrderAssigned, _>(|tx, heard, event| Box::pin(on::assigned(tx, heard, event)))
        .on::<OrderStatusChanged, _>(|tx, heard, event| Box::pin(on::moved(tx, heard, event)))
        .on::<OrderUpdated, _>(|tx, heard, event| Box::pin(on::updated(tx, heard, event)))
        .on::<OrderCancelled, _>(|tx, heard, event| Box::pin(on::cancelled(tx, heard, event)))
        .on::<ProofCaptured, _>(|tx, _heard, event| Box::pin(on::proof(tx, event)))
}
