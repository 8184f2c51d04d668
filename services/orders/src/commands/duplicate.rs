//! A copy of an order: the same places, people, goods and wishes; a new number, new codes, nobody has it. Times and PINs
//! belong to the original day and are not copied; where the drop-off asks for a PIN, a new one is made.

use kernel::ids::OrderId;
use platform::Result;
use platform::db::Tx;

use super::create::{NewOrder, NewPackage, NewStop, create};
use crate::context::Orders;
use crate::domain::proof::{Level, Requirements};
use crate::entities::{Order, Stop};
use crate::error::no_order;
use crate::store::{orders, stops};

fn same(stop: Stop) -> NewStop {
    NewStop {
        place: stop.place,
        contact: stop.contact,
        not_before: None,
        not_after: None,
        service_s: Some(stop.service_s),
    }
}

/// Without the PINs of those stops where nobody would know a new one.
fn without_pins(mut proof: Requirements) -> Requirements {
    for wanted in [&mut proof.pickup, &mut proof.back] {
        wanted.pin = Level::Off;
    }
    proof
}

/// Copies an order.
pub async fn duplicate(tx: &mut Tx, context: &Orders, id: OrderId) -> Result<Order> {
    let mut order = orders::find(tx, id).await?.ok_or_else(no_order)?;
    stops::open_both(tx, context.vault(), &mut order).await?;
    let package = |one: &crate::entities::Package| NewPackage {
        description: one.description.clone(),
        barcode: None,
        load: one.load,
    };
    let new = NewOrder {
        source: "duplicate",
        shop_id: order.shop_id,
        customer_id: order.customer_id,
        packages: order.packages.iter().map(package).collect(),
        pickup: Some(same(order.pickup)),
        dropoff: same(order.dropoff),
        ready_at: None,
        priority: order.priority,
        tags: order.tags,
        metadata: order.metadata,
        cash: order.cash,
        skills: order.skills,
        proof: without_pins(order.proof),
        pins: Vec::new(),
        driver_id: None,
        reference: order.reference,
    };
    create(tx, context, &new, "duplicate_order").await
}
