//! What can be done with orders: each command locks, decides, saves, publishes.

pub mod assign;
pub mod create;
pub mod duplicate;
pub mod import_rows;
pub mod imports;
pub mod moving;
pub mod packages;
pub mod preparation;
pub mod proofs;
pub mod recur;
pub mod recurrences;
pub mod steps;
pub mod update;

use kernel::ids::OrderId;
use platform::Result;
use platform::db::Tx;

use crate::context::Viewer;
use crate::entities::Order;
use crate::error::no_order;
use crate::store::orders;

/// Locks an order that the caller sees.
pub async fn locked(tx: &mut Tx, viewer: &Viewer, id: OrderId) -> Result<Order> {
    orders::lock(tx, id).await?.filter(|order| viewer.sees(order)).ok_or_else(no_order)
}
