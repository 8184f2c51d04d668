//! Creating an order, whatever the path: the API, a copy, a package without an order.

use std::collections::BTreeSet;

use contracts::orders::OrderCreated;
use contracts::storefront::ShopFacts;
use jiff::SignedDuration;
use kernel::ids::{CustomerId, DriverId, OrderId, PackageId, ShopId, SubjectId};
use kernel::load::Load;
use kernel::money::Money;
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Result};
use serde_json::{Map, Value, json};

use super::moving::{Move, apply};
use super::proofs::make_pin;
use crate::context::Orders;
use crate::domain::package::PackageStatus;
use crate::domain::preparation::Preparation;
use crate::domain::proof::{Requirements, Stop as StopKind};
use crate::domain::status::{Command, Movement};
use crate::domain::{number, tracking};
use crate::entities::{AuditedOrder, Contact, Order, Package, Place, SealedContact, Stop};
use crate::store::events::{self, NewEvent};
use crate::store::{counters, orders, pins, shops, zones};

/// How long a stop takes when nobody says.
const SERVICE_S: u32 = 180;

/// One end of a new order.
#[derive(Debug, Clone)]
pub struct NewStop {
    /// Where.
    pub place: Place,
    /// Who.
    pub contact: Contact,
    /// Not before.
    pub not_before: Option<Timestamp>,
    /// Not after.
    pub not_after: Option<Timestamp>,
    /// How long it takes there.
    pub service_s: Option<u32>,
}

/// A package of a new order.
#[derive(Debug, Clone, Default)]
pub struct NewPackage {
    /// Of the goods.
    pub description: Option<String>,
    /// A code that somebody else printed.
    pub barcode: Option<String>,
    /// What it takes.
    pub load: Load,
}

/// A new order.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// What makes it.
    pub source: &'static str,
    /// Where it comes from.
    pub shop_id: Option<ShopId>,
    /// Where it is picked up: at the shop, when nothing is said.
    pub pickup: Option<NewStop>,
    /// Where it is dropped off.
    pub dropoff: NewStop,
    /// Who receives it.
    pub customer_id: Option<CustomerId>,
    /// Its packages; one, when nothing is said.
    pub packages: Vec<NewPackage>,
    /// When the goods are expected.
    pub ready_at: Option<Timestamp>,
    /// Higher goes first.
    pub priority: i16,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Of an outside system.
    pub metadata: Map<String, Value>,
    /// To collect at the door.
    pub cash: Option<Money>,
    /// What the driver must be able to do.
    pub skills: BTreeSet<String>,
    /// What it asks for at its stops.
    pub proof: Requirements,
    /// PINs of its stops.
    pub pins: Vec<(StopKind, Private)>,
    /// Who gets it at once.
    pub driver_id: Option<DriverId>,
    /// What an outside system calls it.
    pub reference: Option<String>,
}

/// Creates an order, and gives it to a driver if one is named.
pub async fn create(tx: &mut Tx, context: &Orders, new: &NewOrder, action: &'static str) -> Result<Order> {
    check(new)?;
    let shop = shop_of(tx, new.shop_id).await?;
    let mut order = build(tx, new, shop.as_ref()).await?;
    let locked = orders::insert(tx, context.vault(), &order).await?;
    for (stop, pin) in &new.pins {
        pins::set(tx, context.vault(), &order, *stop, pin).await?;
    }
    make_pin(tx, context, &order).await?;
    let event = NewEvent {
        kind: "created",
        from: "created",
        at: order.placed_at,
        position: None,
        reason: None,
        note: None,
        detail: json!({ "source": order.source }),
    };
    events::append(tx, context.vault(), &order, event).await?;
    let created = OrderCreated {
        order_id: order.id,
        source: order.source.clone(),
        facts: order.facts(),
        packages: order.packages.iter().map(|package| package.id).collect(),
    };
    tx.publish(locked, &created)?;
    tx.audit(Entry::new(action, "order", order.id).after(&AuditedOrder::from(&order))?).await?;
    if let Some(driver) = new.driver_id {
        let wanted = Move::now(tx, Command::Assign(driver), action);
        apply(tx, context, &mut order, wanted).await?;
    }
    Ok(order)
}

/// What cannot be an order although each field is fine.
pub fn check(new: &NewOrder) -> Result<()> {
    for (pointer, stop) in [("/pickup/window", new.pickup.as_ref()), ("/dropoff/window", Some(&new.dropoff))]
    {
        let window = stop.and_then(|stop| stop.not_before.zip(stop.not_after));
        if window.is_some_and(|(from, until)| from > until) {
            return Err(Error::invalid_field(pointer, "ends before it begins"));
        }
    }
    // That of the drop-off is made where none is set: the customer's page says it.
    for stop in [StopKind::Pickup, StopKind::Return] {
        if new.proof.at(stop).asks_for_pin() && !new.pins.iter().any(|(set, _)| *set == stop) {
            let pointer = format!("/pins/{}", stop.as_str());
            return Err(Error::invalid_field(pointer, "is asked for at this stop and not set"));
        }
    }
    Ok(())
}

async fn shop_of(tx: &mut Tx, id: Option<ShopId>) -> Result<Option<ShopFacts>> {
    let Some(id) = id else { return Ok(None) };
    let shop = shops::find(tx, id).await?;
    shop.map(Some).ok_or_else(|| Error::invalid_field("/shop_id", "there is no such shop"))
}

fn at_shop(shop: &ShopFacts) -> NewStop {
    NewStop {
        place: Place {
            street: shop.street.clone(),
            postcode: shop.postcode.clone(),
            city: shop.city.clone(),
            country: None,
            position: shop.position,
        },
        // A shop is a business, but whoever opens the order sees its number in the same place as others.
        contact: Contact::default(),
        not_before: None,
        not_after: None,
        service_s: Some(shop.service_s),
    }
}

async fn build(tx: &mut Tx, new: &NewOrder, shop: Option<&ShopFacts>) -> Result<Order> {
    let (id, now): (OrderId, _) = (tx.id(), tx.now());
    let pickup = new
        .pickup
        .clone()
        .or_else(|| shop.map(at_shop))
        .ok_or_else(|| Error::invalid_field("/pickup", "is needed when there is no shop"))?;
    let own: SubjectId = tx.id();
    let receiver = new.customer_id.map_or_else(|| tx.id(), |customer| SubjectId::new(customer.uuid()));
    let zone_id = match new.dropoff.place.position {
        Some(place) => zones::at(tx, place, new.shop_id).await?,
        None => None,
    };
    let prefix = shop.map_or(number::WITHOUT_SHOP, |shop| &shop.number_prefix).to_owned();
    let day = number::day(now, shop.map_or("UTC", |shop| &shop.time_zone));
    let packages = packages_of(tx, id, &new.packages);
    let preparation = shop.map(|shop| SignedDuration::from_secs(i64::from(shop.preparation_s)));
    Ok(Order {
        id,
        version: 1,
        day,
        tracking_code: tracking::code(tx.random()),
        source: new.source.to_owned(),
        shop_id: new.shop_id,
        customer_id: new.customer_id,
        zone_id,
        created_by: tx.scope().actor.clone(),
        reference: new.reference.clone(),
        movement: Movement::NEW,
        preparation: if shop.is_some() { Preparation::Pending } else { Preparation::None },
        outcome: None,
        failure_reason: None,
        blame: None,
        ready_at: new.ready_at.or(Some(now + preparation.unwrap_or_default())),
        load: packages.iter().fold(Load::default(), |sum, package| sum.plus(package.load)),
        priority: new.priority,
        skills: new.skills.clone(),
        cash: new.cash,
        tags: new.tags.clone(),
        metadata: new.metadata.clone(),
        proof: new.proof,
        placed_at: now,
        updated_at: now,
        pickup: stop(tx, pickup, own),
        dropoff: stop(tx, new.dropoff.clone(), receiver),
        packages,
        // Last: its row is locked from here on.
        number: number::number(&prefix, counters::next(tx, &prefix, day).await?),
    })
}

fn stop(tx: &Tx, new: NewStop, subject: SubjectId) -> Stop {
    Stop {
        id: tx.id(),
        subject,
        place: new.place,
        contact: new.contact,
        sealed: SealedContact::default(),
        not_before: new.not_before,
        not_after: new.not_after,
        service_s: new.service_s.unwrap_or(SERVICE_S),
    }
}

/// The packages of a new order.
pub fn packages_of(tx: &Tx, order: OrderId, new: &[NewPackage]) -> Vec<Package> {
    let one = [NewPackage { load: Load { count: 1, ..Load::default() }, ..NewPackage::default() }];
    let new = if new.is_empty() { &one[..] } else { new };
    // Those of one moment are random among each other: sorted, they keep the order in which the packages were named.
    let mut ids: Vec<PackageId> = new.iter().map(|_| tx.id()).collect();
    ids.sort();
    let make = |(id, package): (PackageId, &NewPackage)| Package {
        id,
        order_id: order,
        version: 1,
        tracking_number: tracking::package(tx.random()),
        description: package.description.clone(),
        barcode: package.barcode.clone(),
        load: package.load,
        status: PackageStatus::Pending,
        updated_at: tx.now(),
    };
    ids.into_iter().zip(new).map(make).collect()
}
