//! The preparation in the shop.

use contracts::orders::OrderUpdated;
use kernel::ids::OrderId;
use platform::Result;
use platform::audit::Entry;
use platform::db::Tx;
use serde_json::json;

use super::locked;
use super::moving::Done;
use crate::context::{Orders, Viewer};
use crate::domain::preparation::Preparation;
use crate::entities::{AuditedOrder, Order};
use crate::error;
use crate::store::events::{self, NewEvent};
use crate::store::orders;

/// The shop goes on.
pub async fn prepare(tx: &mut Tx, context: &Orders, id: OrderId, to: Preparation) -> Result<(Order, Done)> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    let entry = Entry::new("prepare_order", "order", id).before(&AuditedOrder::from(&order))?;
    let moves =
        order.preparation.moves_to(to).ok_or_else(|| error::illegal_preparation(order.preparation))?;
    if !moves {
        tx.audit(entry.detail(json!({ "already": true }))).await?;
        return Ok((order, Done::Already));
    }
    let from = order.preparation;
    order.preparation = to;
    let mut changed = vec!["preparation".to_owned()];
    if to == Preparation::Ready {
        order.ready_at = Some(tx.now());
        changed.push("ready_at".to_owned());
    }
    let locked = orders::save_details(tx, &mut order).await?;
    let event = NewEvent {
        kind: "preparation",
        from: order.movement.status().as_str(),
        at: tx.now(),
        position: None,
        reason: None,
        note: None,
        detail: json!({ "from": from.as_str(), "to": to.as_str() }),
    };
    events::append(tx, context.vault(), &order, event).await?;
    tx.publish(locked, &OrderUpdated { order_id: id, changed, facts: order.facts() })?;
    tx.audit(entry.after(&AuditedOrder::from(&order))?).await?;
    Ok((order, Done::Moved))
}
