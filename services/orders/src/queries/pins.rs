//! The PIN that the customer says at the door.

use contracts::calls::ShownPin;
use kernel::ids::OrderId;
use platform::Result;
use platform::db::Scope;

use crate::context::Orders;
use crate::error::no_order;
use crate::store::{orders, pins};

/// The PIN of an order's drop-off, while it is worth something.
pub async fn shown(context: &Orders, scope: &Scope, id: OrderId) -> Result<ShownPin> {
    let mut tx = context.db().read(scope).await?;
    // Every customer's page asks, and few orders have one: the order is read for those only.
    let Some(pin) = pins::of_dropoff(&mut tx, context.vault(), id).await? else {
        return Ok(ShownPin { pin: None });
    };
    let order = orders::find(&mut tx, id).await?.ok_or_else(no_order)?;
    Ok(ShownPin { pin: (!order.movement.is_over()).then(|| pin.reveal().to_owned()) })
}
