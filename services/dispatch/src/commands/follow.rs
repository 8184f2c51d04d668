//! What an order's own events mean for dispatch.
//!
//! | status | the queue | the route |
//! |---|---|---|
//! | `created` | waits, from now on | no stops |
//! | `assigned` | taken | pick-up and drop-off, in the driver's route |
//! | `assigned`, another attempt: the goods are with the driver | taken | drop-off |
//! | `enroute_to_pickup`, `arrived_at_pickup` | taken | the pick-up comes first and is locked |
//! | `picked_up` | taken | the drop-off remains |
//! | `enroute_to_dropoff`, `arrived_at_dropoff` | taken | the drop-off comes first and is locked |
//! | `failed` after pick-up | taken | no stops until it is decided what follows |
//! | `returning` | taken | a return, at the place of the pick-up |
//! | `delivered`, `returned`, `cancelled`, `failed` before pick-up | forgotten | no stops |

use contracts::orders::{OrderAssigned, OrderCreated, OrderFacts, OrderStatus, OrderStatusChanged};
use kernel::ids::{DriverId, OrderId};
use platform::Result;
use platform::db::Tx;

use super::routes;
use crate::domain::insertion::StopKind::{self, Dropoff, Pickup, Return};
use crate::domain::timing::due;
use crate::jobs::reconcile::Reconcile;
use crate::store::orders::{self, Known, QueueState};
use crate::store::{offers, policies};

/// An order exists.
pub async fn created(tx: &mut Tx, version: i64, event: &OrderCreated) -> Result<()> {
    let (policy, _) = policies::find(tx).await?;
    let look_at = due(&policy, &event.facts);
    orders::insert(tx, event.order_id, version, &event.facts, look_at).await?;
    Reconcile::enqueue_at(tx, look_at).await
}

/// Something else about it changed.
pub async fn updated(tx: &mut Tx, version: i64, id: OrderId, facts: &OrderFacts) -> Result<()> {
    let Some(mut order) = newer(tx, id, version).await? else { return Ok(()) };
    order.facts = facts.clone();
    if matches!(order.state, QueueState::Waiting | QueueState::Stuck) {
        let (policy, _) = policies::find(tx).await?;
        // What was asked in vain may fit now.
        order.state = QueueState::Waiting;
        order.look_at = due(&policy, facts);
        Reconcile::enqueue_at(tx, order.look_at).await?;
    }
    orders::update(tx, &order).await
}

/// A driver has it.
pub async fn assigned(tx: &mut Tx, version: i64, event: &OrderAssigned) -> Result<()> {
    let Some(mut order) = newer(tx, event.order_id, version).await? else { return Ok(()) };
    order.status = event.status;
    order.attempt = event.attempt;
    take(&mut order, event.driver_id);
    orders::update(tx, &order).await?;
    offers::withdraw(tx, order.order_id).await?;
    stops(tx, &order).await
}

/// The movement changed.
pub async fn moved(tx: &mut Tx, version: i64, event: &OrderStatusChanged) -> Result<()> {
    let Some(mut order) = newer(tx, event.order_id, version).await? else { return Ok(()) };
    order.status = event.to;
    let another_attempt = order.attempt != event.attempt;
    order.attempt = event.attempt;
    match event.driver_id {
        Some(driver) => take(&mut order, driver),
        None if event.to == OrderStatus::Created => {
            let (policy, _) = policies::find(tx).await?;
            order.driver_id = None;
            order.state = QueueState::Waiting;
            order.decision_id = None;
            order.waiting_since = tx.now();
            order.look_at = due(&policy, &order.facts);
            Reconcile::enqueue_at(tx, order.look_at).await?;
        }
        None => order.driver_id = None,
    }
    if another_attempt {
        order.round = 0;
    }
    offers::withdraw(tx, order.order_id).await?;
    if is_over(event) {
        routes::remove(tx, order.order_id, None).await?;
        orders::delete(tx, order.order_id).await?;
        orders::wake(tx).await?;
        return Reconcile::enqueue(tx).await;
    }
    orders::update(tx, &order).await?;
    stops(tx, &order).await
}

/// The order, locked, unless something newer is known of it. Several events of one change have one version.
async fn newer(tx: &mut Tx, id: OrderId, version: i64) -> Result<Option<Known>> {
    let order = orders::lock(tx, id).await?.filter(|order| order.version <= version);
    Ok(order.map(|order| Known { version, ..order }))
}

fn take(order: &mut Known, driver: DriverId) {
    order.driver_id = Some(driver);
    order.state = QueueState::Taken;
}

fn is_over(event: &OrderStatusChanged) -> bool {
    match event.to {
        OrderStatus::Delivered | OrderStatus::Returned | OrderStatus::Cancelled => true,
        OrderStatus::Failed => !event.from.is_carried(),
        _ => false,
    }
}

/// Brings the routes to what the table above says.
async fn stops(tx: &mut Tx, order: &Known) -> Result<()> {
    let (wanted, first): (&[StopKind], Option<StopKind>) = match order.status {
        OrderStatus::Assigned if order.attempt > 1 => (&[Dropoff], None),
        OrderStatus::Assigned => (&[Pickup, Dropoff], None),
        OrderStatus::EnrouteToPickup | OrderStatus::ArrivedAtPickup => (&[Pickup, Dropoff], Some(Pickup)),
        OrderStatus::PickedUp => (&[Dropoff], None),
        OrderStatus::EnrouteToDropoff | OrderStatus::ArrivedAtDropoff => (&[Dropoff], Some(Dropoff)),
        OrderStatus::Returning => (&[Return], Some(Return)),
        _ => (&[], None),
    };
    let driver = order.driver_id.filter(|_| order.state == QueueState::Taken);
    routes::remove(tx, order.order_id, driver.map(|driver| (driver, wanted))).await?;
    let Some(driver) = driver else { return Ok(()) };
    routes::insert(tx, driver, order, wanted).await?;
    match first {
        Some(kind) => routes::set_out(tx, driver, order.order_id, kind).await,
        None => Ok(()),
    }
}
