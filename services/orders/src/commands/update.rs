//! Changing an order. What may still change depends on where it stands:
//!
//! | | places, times, wishes | drop-off: contact, door, notes, window; cash |
//! |---|---|---|
//! | before the pick-up | yes | yes |
//! | picked up | | yes |
//! | over | | |

use std::collections::BTreeSet;

use contracts::orders::OrderUpdated;
use kernel::geo::Position;
use kernel::ids::OrderId;
use kernel::money::Money;
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Result};
use serde_json::{Map, Value, json};

use super::locked;
use super::proofs::make_pin;
use crate::context::{Orders, Viewer};
use crate::domain::proof::Requirements;
use crate::entities::{AuditedOrder, Order, Stop};
use crate::error;
use crate::store::events::{self, NewEvent};
use crate::store::{orders, stops, terms, zones};

/// `None` leaves, `Some(None)` clears.
pub type Clearable<T> = Option<Option<T>>;

/// What changes at a stop.
#[derive(Debug, Clone, Default)]
pub struct StopChange {
    /// Street and house number.
    pub street: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country.
    pub country: Clearable<String>,
    /// Where it is.
    pub position: Clearable<Position>,
    /// How long it takes there.
    pub service_s: Option<u32>,
    /// Who.
    pub name: Clearable<Private>,
    /// Their number.
    pub phone: Clearable<Private>,
    /// Floor, code, bell.
    pub door: Clearable<Private>,
    /// For the driver.
    pub notes: Clearable<Private>,
    /// Not before, not after.
    pub window: Clearable<(Option<Timestamp>, Option<Timestamp>)>,
}

impl StopChange {
    fn moves_place(&self) -> bool {
        self.street.is_some()
            || self.postcode.is_some()
            || self.city.is_some()
            || self.country.is_some()
            || self.position.is_some()
            || self.service_s.is_some()
    }

    fn apply(&self, stop: &mut Stop) {
        set(&mut stop.place.street, self.street.as_ref());
        set(&mut stop.place.postcode, self.postcode.as_ref());
        set(&mut stop.place.city, self.city.as_ref());
        set(&mut stop.place.country, self.country.as_ref());
        set(&mut stop.place.position, self.position.as_ref());
        set(&mut stop.service_s, self.service_s.as_ref());
        set(&mut stop.contact.name, self.name.as_ref());
        set(&mut stop.contact.phone, self.phone.as_ref());
        set(&mut stop.contact.door, self.door.as_ref());
        set(&mut stop.contact.notes, self.notes.as_ref());
        if let Some(window) = self.window {
            (stop.not_before, stop.not_after) = window.unwrap_or_default();
        }
    }
}

fn set<T: Clone>(value: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        *value = new.clone();
    }
}

/// What changes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// At the pick-up.
    pub pickup: Option<StopChange>,
    /// At the drop-off.
    pub dropoff: Option<StopChange>,
    /// When the goods are expected.
    pub ready_at: Clearable<Timestamp>,
    /// Higher goes first.
    pub priority: Option<i16>,
    /// Words to find it by.
    pub tags: Option<Vec<String>>,
    /// Of an outside system.
    pub metadata: Option<Map<String, Value>>,
    /// To collect at the door.
    pub cash: Clearable<Money>,
    /// What the driver must be able to do.
    pub skills: Option<BTreeSet<String>>,
    /// What it asks for at its stops.
    pub proof: Option<Requirements>,
    /// What an outside system calls it.
    pub reference: Clearable<String>,
}

impl Change {
    /// The fields that change, and whether each may change after the pick-up.
    fn fields(&self) -> Vec<(&'static str, bool)> {
        let dropoff_stays = self.dropoff.as_ref().is_none_or(|change| !change.moves_place());
        [
            ("pickup", self.pickup.is_some(), false),
            ("dropoff", self.dropoff.is_some(), dropoff_stays),
            ("ready_at", self.ready_at.is_some(), false),
            ("priority", self.priority.is_some(), false),
            ("tags", self.tags.is_some(), false),
            ("metadata", self.metadata.is_some(), false),
            ("cash", self.cash.is_some(), true),
            ("skills", self.skills.is_some(), false),
            ("proof", self.proof.is_some(), false),
            ("reference", self.reference.is_some(), false),
        ]
        .into_iter()
        .filter(|(_, changes, _)| *changes)
        .map(|(name, _, late)| (name, late))
        .collect()
    }

    fn apply(&self, order: &mut Order) {
        if let Some(change) = &self.pickup {
            change.apply(&mut order.pickup);
        }
        if let Some(change) = &self.dropoff {
            change.apply(&mut order.dropoff);
        }
        set(&mut order.ready_at, self.ready_at.as_ref());
        set(&mut order.priority, self.priority.as_ref());
        set(&mut order.tags, self.tags.as_ref());
        set(&mut order.metadata, self.metadata.as_ref());
        set(&mut order.cash, self.cash.as_ref());
        set(&mut order.skills, self.skills.as_ref());
        set(&mut order.proof, self.proof.as_ref());
        set(&mut order.reference, self.reference.as_ref());
    }
}

/// Changes an order, if the caller has seen its present version.
pub async fn update(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    change: &Change,
    seen: impl Fn(i64) -> Result<()> + Send,
) -> Result<Order> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    seen(order.version)?;
    let fields = change.fields();
    in_time(&order, &fields)?;
    let entry = Entry::new("update_order", "order", id).before(&AuditedOrder::from(&order))?;
    stops::open_both(tx, context.vault(), &mut order).await?;
    change.apply(&mut order);
    for (pointer, stop) in [("/pickup/window", &order.pickup), ("/dropoff/window", &order.dropoff)] {
        if stop.not_before.zip(stop.not_after).is_some_and(|(from, until)| from > until) {
            return Err(Error::invalid_field(pointer, "ends before it begins"));
        }
    }
    if change.dropoff.as_ref().is_some_and(|change| change.position.is_some()) {
        order.zone_id = match order.dropoff.place.position {
            Some(place) => zones::at(tx, place, order.shop_id).await?,
            None => None,
        };
    }
    let locked = save(tx, context, &mut order, change).await?;
    let changed: Vec<String> = fields.iter().map(|(name, _)| (*name).to_owned()).collect();
    let event = NewEvent {
        kind: "updated",
        from: order.movement.status().as_str(),
        at: tx.now(),
        position: None,
        reason: None,
        note: None,
        detail: json!({ "changed": changed }),
    };
    events::append(tx, context.vault(), &order, event).await?;
    tx.publish(locked, &OrderUpdated { order_id: id, changed, facts: order.facts() })?;
    tx.audit(entry.after(&AuditedOrder::from(&order))?).await?;
    Ok(order)
}

fn in_time(order: &Order, fields: &[(&'static str, bool)]) -> Result<()> {
    let carried = order.movement.picked_up();
    let late = |(_, late): &&(&str, bool)| order.movement.is_over() || (carried && !late);
    let late: Vec<&'static str> = fields.iter().filter(late).map(|(name, _)| *name).collect();
    if late.is_empty() { Ok(()) } else { Err(error::too_late(order, &late)) }
}

async fn save(
    tx: &mut Tx,
    context: &Orders,
    order: &mut Order,
    change: &Change,
) -> Result<platform::db::Locked> {
    if change.pickup.is_some() {
        stops::update(tx, context.vault(), &order.pickup).await?;
    }
    if change.dropoff.is_some() {
        stops::update(tx, context.vault(), &order.dropoff).await?;
    }
    if change.proof.is_some() {
        make_pin(tx, context, order).await?;
    }
    let words = terms::of_order(tx, context.vault(), order).await?;
    terms::replace(tx, order.id, &words).await?;
    orders::save_details(tx, order).await
}
