//! Writing down and telling what was noticed about a delivery.

use contracts::tracking::{DeliveryArriving, DeliveryDelayed, DeliveryEtaChanged, DeliveryUpdated};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

use crate::domain::delivery::Delivery;
use crate::domain::timeline::Notice;
use crate::jobs::report_arrival::ReportArrival;
use crate::store::deliveries::{self, locked};
use crate::store::settings::ArrivalPolicy;
use crate::store::updates;

/// Saves a locked delivery with its notices: rows of the timeline, events, jobs.
pub async fn write(
    tx: &mut Tx,
    delivery: &mut Delivery,
    notices: Vec<Notice>,
    arrivals: ArrivalPolicy,
) -> Result<()> {
    for notice in notices {
        one(tx, delivery, notice, arrivals).await?;
    }
    deliveries::save(tx, delivery).await
}

async fn one(tx: &mut Tx, delivery: &mut Delivery, notice: Notice, arrivals: ArrivalPolicy) -> Result<()> {
    let order_id = delivery.order_id;
    match notice {
        Notice::Row { kind, at } => row(tx, delivery, kind, at).await,
        Notice::EtaChanged(eta) => {
            tx.publish(locked(delivery, delivery.eta_count), &DeliveryEtaChanged { order_id, eta })
        }
        Notice::Arriving { driver_id, distance_m, at } => {
            // Once per attempt: the attempt is the version.
            let told = locked(delivery, i64::from(delivery.attempt));
            tx.publish(told, &DeliveryArriving { order_id, driver_id, distance_m })?;
            row(tx, delivery, "arriving", at).await
        }
        Notice::Delayed { promised_until, expected, at } => {
            let told = locked(delivery, delivery.delayed_count);
            tx.publish(told, &DeliveryDelayed { order_id, promised_until, expected })?;
            row(tx, delivery, "delayed", at).await
        }
        Notice::Arrived { driver_id, stop, at, position } => match arrivals {
            ArrivalPolicy::Suggest => row(tx, delivery, "arrival_suggested", at).await,
            ArrivalPolicy::Make => {
                let attempt = delivery.attempt;
                tx.enqueue(&ReportArrival { order_id, driver_id, attempt, stop, at, position }).await?;
                Ok(())
            }
        },
    }
}

async fn row(tx: &mut Tx, delivery: &mut Delivery, kind: &'static str, at: Timestamp) -> Result<()> {
    delivery.updates += 1;
    let update_id = updates::insert(tx, delivery, kind, at).await?;
    let event = DeliveryUpdated { order_id: delivery.order_id, update_id, kind: kind.to_owned(), at };
    tx.publish(locked(delivery, delivery.updates), &event)
}
