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
    let order = orders::find(&mut tx, id).await?.ok_or_else(no_order)?;
    if order.movement.is_over() {
        return Ok(ShownPin { pin: None });
    }
    let pin = pins::of_dropoff(&mut tx, context.vault(), id).await?;
    Ok(ShownPin { pin: pin.map(|pin| pin.reveal().to_owned()) })
}
