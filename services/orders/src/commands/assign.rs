//! Who has an order. Two who decide at once: the row's lock lets one of them win, the other is told who did.

use kernel::ids::{DriverId, OrderId};
use platform::Result;
use platform::db::Tx;

use super::locked;
use super::moving::{Done, Move, apply};
use crate::context::{Orders, Viewer};
use crate::domain::status::{Command, Refusal};
use crate::entities::Order;
use crate::error;

/// Gives an order to a driver: if nobody has it, or if `instead_of` has it. `attempt`: only if it is at this one.
pub async fn assign(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    driver: DriverId,
    instead_of: Option<DriverId>,
    attempt: Option<u16>,
    action: &'static str,
) -> Result<(Order, Done)> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    if attempt.is_some_and(|attempt| attempt != order.movement.attempt()) {
        return Err(error::other_attempt(&order));
    }
    let has = order.driver().filter(|_| order.movement.is_under_way());
    let command = match (instead_of, has) {
        (None, _) => Command::Assign(driver),
        // The same decision once more.
        (Some(_), Some(has)) if has == driver => Command::Reassign(driver),
        (Some(wanted), Some(has)) if has == wanted => Command::Reassign(driver),
        (Some(_), Some(_)) => return Err(error::refused(&order, Refusal::Taken)),
        (Some(_), None) => return Err(error::refused(&order, Refusal::Nobody)),
    };
    let wanted = Move::now(tx, command, action);
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok((order, done))
}

/// Takes an order from the driver who has it; from `driver` only, where one is named.
pub async fn unassign(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    driver: Option<DriverId>,
    action: &'static str,
) -> Result<(Order, Done)> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    if let (Some(named), Some(has)) = (driver, order.driver())
        && named != has
    {
        return Err(error::refused(&order, Refusal::Taken));
    }
    let wanted = Move::now(tx, Command::Unassign, action);
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok((order, done))
}

/// Hands a carried order to another driver.
pub async fn hand_over(
    tx: &mut Tx,
    context: &Orders,
    viewer: &Viewer,
    id: OrderId,
    to: DriverId,
) -> Result<(Order, Done)> {
    let mut order = locked(tx, viewer, id).await?;
    if !order.movement.picked_up() {
        return Err(error::refused(&order, Refusal::Illegal));
    }
    let wanted = Move::now(tx, Command::Reassign(to), "hand_over_order");
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok((order, done))
}
