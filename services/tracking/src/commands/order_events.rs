//! What the events of orders do to a delivery.

use contracts::orders::{
    OrderAssigned, OrderCancelled, OrderCreated, OrderStatusChanged, OrderUpdated, ProofCaptured,
};
use kernel::ids::{DriverId, OrderId};
use kernel::time::Timestamp;
use platform::Result;
use platform::bus::Delivery as Heard;
use platform::db::Tx;

use super::{learn, notices};
use crate::domain::delivery::Delivery;
use crate::domain::timeline::Notice;
use crate::jobs::follow_driver::FollowDriver;
use crate::store::deliveries;
use crate::store::settings::ArrivalPolicy;

/// An order exists.
pub async fn created(tx: &mut Tx, heard: &Heard, event: OrderCreated) -> Result<()> {
    let at = event.facts.placed_at;
    let mut delivery = Delivery::new(event.order_id, heard.version, event.facts);
    if !deliveries::insert(tx, &delivery).await? {
        return Ok(());
    }
    write(tx, &mut delivery, vec![Notice::Row { kind: "created", at }]).await
}

/// A driver has it.
pub async fn assigned(tx: &mut Tx, heard: &Heard, event: OrderAssigned) -> Result<()> {
    change(tx, event.order_id, |delivery| delivery.assigned(heard.version, &event, heard.occurred_at)).await
}

/// The movement changed.
pub async fn moved(tx: &mut Tx, heard: &Heard, event: OrderStatusChanged) -> Result<()> {
    change(tx, event.order_id, |delivery| delivery.moved(heard.version, &event)).await
}

/// Places, times or something else changed.
pub async fn updated(tx: &mut Tx, heard: &Heard, event: OrderUpdated) -> Result<()> {
    change(tx, event.order_id, |delivery| {
        delivery.updated(heard.version, event.facts.clone());
        Vec::new()
    })
    .await
}

/// It was called off. The movement comes with an event of its own.
pub async fn cancelled(tx: &mut Tx, heard: &Heard, event: OrderCancelled) -> Result<()> {
    change(tx, event.order_id, |delivery| {
        delivery.cancelled(heard.version);
        Vec::new()
    })
    .await
}

/// Proof was captured.
pub async fn proof(tx: &mut Tx, event: ProofCaptured) -> Result<()> {
    change(tx, event.order_id, |_| vec![Notice::Row { kind: "proof", at: event.at }]).await
}

/// Applies an event. An order whose beginning the log no longer holds is not followed. Whoever has it before or after gets
/// another look, because the others that they have may come earlier or later now.
async fn change<F>(tx: &mut Tx, order: OrderId, apply: F) -> Result<()>
where
    F: FnOnce(&mut Delivery) -> Vec<Notice> + Send,
{
    let Some(mut delivery) = deliveries::lock(tx, order).await? else { return Ok(()) };
    let before = delivery.clone();
    let notices = apply(&mut delivery);
    if delivery == before && notices.is_empty() {
        return Ok(());
    }
    write(tx, &mut delivery, notices).await?;
    learn::happened(tx, &before, &delivery).await?;
    let mut concerned: Vec<DriverId> = [before.driver_id, delivery.driver_id].into_iter().flatten().collect();
    concerned.dedup();
    for driver_id in concerned {
        tx.enqueue(&FollowDriver { driver_id }).await?;
    }
    Ok(())
}

async fn write(tx: &mut Tx, delivery: &mut Delivery, notices: Vec<Notice>) -> Result<()> {
    // Events bring no arrivals, so the policy does not matter.
    notices::write(tx, delivery, notices, ArrivalPolicy::Suggest).await
}

/// What customers say about a delivery, as a row of its timeline.
pub async fn said(tx: &mut Tx, delivery: &mut Delivery, kind: &'static str, at: Timestamp) -> Result<()> {
    write(tx, delivery, vec![Notice::Row { kind, at }]).await
}
