//! An order that is not one yet, as one sealed text: of a template, of a row of an import. The words in it never change their
//! meaning: what was sealed by an older version is opened by a newer one.

use std::collections::BTreeSet;

use kernel::geo::Position;
use kernel::ids::{CustomerId, DriverId, ShopId};
use kernel::load::Load;
use kernel::money::Money;
use kernel::time::Timestamp;
use platform::Result;
use platform::vault::Private;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::commands::create::{NewOrder, NewPackage, NewStop};
use crate::domain::proof::Requirements;
use crate::entities::recurrence::{Offsets, Template};
use crate::entities::{Contact, Place};

#[derive(Serialize, Deserialize)]
struct KeptOrder {
    shop_id: Option<ShopId>,
    pickup: Option<KeptStop>,
    dropoff: KeptStop,
    customer_id: Option<CustomerId>,
    packages: Vec<KeptPackage>,
    ready_at: Option<Timestamp>,
    priority: i16,
    tags: Vec<String>,
    metadata: Map<String, Value>,
    cash: Option<Money>,
    skills: BTreeSet<String>,
    proof: Requirements,
    driver_id: Option<DriverId>,
    reference: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptStop {
    street: String,
    postcode: String,
    city: String,
    country: Option<String>,
    position: Option<Position>,
    name: Option<String>,
    phone: Option<String>,
    door: Option<String>,
    notes: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    service_s: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct KeptPackage {
    description: Option<String>,
    barcode: Option<String>,
    load: Load,
}

#[derive(Serialize, Deserialize)]
struct KeptTemplate {
    order: KeptOrder,
    pickup: Offsets,
    dropoff: Offsets,
    ready_after_min: i32,
}

fn said(text: Option<&Private>) -> Option<String> {
    text.map(|text| text.reveal().to_owned())
}

impl From<&NewStop> for KeptStop {
    fn from(stop: &NewStop) -> Self {
        let place = stop.place.clone();
        Self {
            street: place.street,
            postcode: place.postcode,
            city: place.city,
            country: place.country,
            position: place.position,
            name: said(stop.contact.name.as_ref()),
            phone: said(stop.contact.phone.as_ref()),
            door: said(stop.contact.door.as_ref()),
            notes: said(stop.contact.notes.as_ref()),
            not_before: stop.not_before,
            not_after: stop.not_after,
            service_s: stop.service_s,
        }
    }
}

impl From<KeptStop> for NewStop {
    fn from(kept: KeptStop) -> Self {
        Self {
            place: Place {
                street: kept.street,
                postcode: kept.postcode,
                city: kept.city,
                country: kept.country,
                position: kept.position,
            },
            contact: Contact {
                name: kept.name.map(Private::from),
                phone: kept.phone.map(Private::from),
                door: kept.door.map(Private::from),
                notes: kept.notes.map(Private::from),
            },
            not_before: kept.not_before,
            not_after: kept.not_after,
            service_s: kept.service_s,
        }
    }
}

impl From<&NewOrder> for KeptOrder {
    fn from(order: &NewOrder) -> Self {
        let package = |one: &NewPackage| KeptPackage {
            description: one.description.clone(),
            barcode: one.barcode.clone(),
            load: one.load,
        };
        Self {
            shop_id: order.shop_id,
            pickup: order.pickup.as_ref().map(KeptStop::from),
            dropoff: (&order.dropoff).into(),
            customer_id: order.customer_id,
            packages: order.packages.iter().map(package).collect(),
            ready_at: order.ready_at,
            priority: order.priority,
            tags: order.tags.clone(),
            metadata: order.metadata.clone(),
            cash: order.cash,
            skills: order.skills.clone(),
            proof: order.proof,
            driver_id: order.driver_id,
            reference: order.reference.clone(),
        }
    }
}

impl KeptOrder {
    fn open(self, source: &'static str) -> NewOrder {
        let package = |one: KeptPackage| NewPackage {
            description: one.description,
            barcode: one.barcode,
            load: one.load,
        };
        NewOrder {
            source,
            shop_id: self.shop_id,
            pickup: self.pickup.map(NewStop::from),
            dropoff: self.dropoff.into(),
            customer_id: self.customer_id,
            packages: self.packages.into_iter().map(package).collect(),
            ready_at: self.ready_at,
            priority: self.priority,
            tags: self.tags,
            metadata: self.metadata,
            cash: self.cash,
            skills: self.skills,
            proof: self.proof,
            // PINs are said to one person for one day.
            pins: Vec::new(),
            driver_id: self.driver_id,
            reference: self.reference,
        }
    }
}

/// An order as one text.
pub fn order(order: &NewOrder) -> Result<Private> {
    Ok(Private::from(serde_json::to_string(&KeptOrder::from(order))?))
}

/// And back.
pub fn opened_order(text: &Private) -> Result<NewOrder> {
    Ok(serde_json::from_str::<KeptOrder>(text.reveal())?.open("import"))
}

/// A template as one text.
pub fn template(template: &Template) -> Result<Private> {
    let kept = KeptTemplate {
        order: (&template.order).into(),
        pickup: template.pickup,
        dropoff: template.dropoff,
        ready_after_min: template.ready_after_min,
    };
    Ok(Private::from(serde_json::to_string(&kept)?))
}

/// And back.
pub fn opened_template(text: &Private) -> Result<Template> {
    let kept: KeptTemplate = serde_json::from_str(text.reveal())?;
    Ok(Template {
        order: kept.order.open("recurrence"),
        pickup: kept.pickup,
        dropoff: kept.dropoff,
        ready_after_min: kept.ready_after_min,
    })
}
