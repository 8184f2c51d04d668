//! What the orders of a recurrence are: the body of an order whose times are minutes from the occurrence.

use std::collections::BTreeSet;

use garde::Validate;
use kernel::geo::Position;
use kernel::ids::{CustomerId, DriverId, ShopId};
use platform::Result;
use platform::http::openapi::optional_type_id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::commands::create::{NewOrder, NewPackage, NewStop};
use crate::entities::recurrence::{Offsets, Template};
use crate::entities::{Contact, Place};
use crate::http::orders::body::{CashToCollect, NewOrderPackage, StopContact, metadata};
use crate::http::orders::view::{OrderPosition, ProofRequirements, free_object};
use crate::http::text::{self, private};

/// Where the orders of a recurrence are picked up or dropped off.
#[derive(Debug, Clone, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki", "window_from_min": 0,
                           "window_until_min": 45, "contact": { "name": "Grace Hopper", "phone": "+358401234567" } }))]
pub(crate) struct RecurringOrderStop {
    /// Street and house number.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200)]
    street: String,
    /// Postcode.
    #[garde(length(chars, min = 1, max = 20), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 20)]
    postcode: String,
    /// City.
    #[garde(length(chars, min = 1, max = 100), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 100)]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[garde(inner(pattern(text::COUNTRY)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// Where it is.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderPosition>)]
    position: Option<Position>,
    /// Who is there.
    #[garde(dive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<StopContact>,
    /// Floor, code, bell.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    door: Option<String>,
    /// For the driver.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1000)]
    notes: Option<String>,
    /// Nobody should come before: minutes from the occurrence, negative before it.
    #[garde(inner(range(min = -1440, max = 10_080)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1440, maximum = 10080)]
    window_from_min: Option<i32>,
    /// Nor after: minutes from the occurrence.
    #[garde(inner(range(min = -1440, max = 10_080)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1440, maximum = 10080)]
    window_until_min: Option<i32>,
    /// How long it takes there.
    #[garde(inner(range(max = 480)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 480)]
    service_minutes: Option<u32>,
}

impl RecurringOrderStop {
    fn offsets(&self) -> Offsets {
        Offsets { from_min: self.window_from_min, until_min: self.window_until_min }
    }

    fn new(stop: &NewStop, window: Offsets) -> Self {
        let (place, contact) = (stop.place.clone(), &stop.contact);
        let said =
            |text: &Option<platform::vault::Private>| text.as_ref().map(|text| text.reveal().to_owned());
        let (name, phone) = (said(&contact.name), said(&contact.phone));
        let named = name.is_some() || phone.is_some();
        Self {
            street: place.street,
            postcode: place.postcode,
            city: place.city,
            country: place.country,
            position: place.position,
            contact: named.then_some(StopContact { name, phone }),
            door: said(&contact.door),
            notes: said(&contact.notes),
            window_from_min: window.from_min,
            window_until_min: window.until_min,
            service_minutes: stop.service_s.map(|seconds| seconds.div_ceil(60)),
        }
    }
}

impl From<RecurringOrderStop> for NewStop {
    fn from(body: RecurringOrderStop) -> Self {
        let (name, phone) = body.contact.map_or((None, None), |contact| (contact.name, contact.phone));
        let said = |text: Option<String>| text.as_deref().map(private);
        Self {
            place: Place {
                street: body.street.trim().to_owned(),
                postcode: body.postcode.trim().to_owned(),
                city: body.city.trim().to_owned(),
                country: body.country,
                position: body.position,
            },
            contact: Contact {
                name: said(name),
                phone: said(phone),
                door: said(body.door),
                notes: said(body.notes),
            },
            not_before: None,
            not_after: None,
            service_s: body.service_minutes.map(|minutes| minutes * 60),
        }
    }
}

/// What the orders of a recurrence are. A PIN can be asked for at the
/// drop-off, where each order gets its own; those of other stops are set for one order.
#[derive(Debug, Clone, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki", "window_from_min": 0,
                 "window_until_min": 45, "contact": { "name": "Grace Hopper", "phone": "+358401234567" } },
    "packages": [{ "description": "Two loaves of rye bread", "weight_g": 1200 }]
}))]
pub(crate) struct RecurringOrderTemplate {
    /// Where it is picked up; at the shop, when nothing is said.
    #[garde(dive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pickup: Option<RecurringOrderStop>,
    /// Where it is dropped off.
    #[garde(dive)]
    dropoff: RecurringOrderStop,
    /// Who receives it. When they are erased no more orders are made.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<CustomerId>)]
    customer_id: Option<CustomerId>,
    /// What is delivered; one package, when nothing is said.
    #[garde(length(max = 50), dive)]
    #[serde(default)]
    #[schema(max_items = 50)]
    packages: Vec<NewOrderPackage>,
    /// When the goods are ready: minutes from the occurrence, negative before it.
    #[garde(range(min = -1440, max = 10_080))]
    #[serde(default)]
    #[schema(minimum = -1440, maximum = 10080)]
    ready_after_min: i32,
    /// Higher goes first.
    #[garde(range(min = -100, max = 100))]
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    priority: i16,
    /// Words to find it by.
    #[garde(length(max = 20), inner(pattern(text::WORD)))]
    #[serde(default)]
    #[schema(max_items = 20)]
    tags: Vec<String>,
    /// At most 20 texts, numbers and booleans of an outside system.
    #[garde(skip)]
    #[serde(default)]
    #[schema(schema_with = free_object)]
    metadata: Map<String, Value>,
    /// Cash to collect at the door.
    #[garde(dive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    cash: Option<CashToCollect>,
    /// What the driver must be able to do.
    #[garde(length(max = 20), inner(pattern(text::WORD)))]
    #[serde(default)]
    #[schema(max_items = 20)]
    skills: Vec<String>,
    /// What it asks for as proof.
    #[garde(skip)]
    #[serde(default)]
    proof: ProofRequirements,
    /// Who gets it at once.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<DriverId>)]
    driver_id: Option<DriverId>,
    /// What an outside system calls it.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    reference: Option<String>,
}

impl RecurringOrderTemplate {
    /// What the commands take.
    pub(super) fn read(self, shop_id: Option<ShopId>) -> Result<Template> {
        let inside = |error: platform::Error| {
            let field = error
                .fields()
                .first()
                .map(|field| (format!("/template{}", field.pointer), field.detail.clone()));
            field.map_or(error, |(pointer, detail)| platform::Error::invalid_field(pointer, detail))
        };
        Ok(Template {
            pickup: self.pickup.as_ref().map(RecurringOrderStop::offsets).unwrap_or_default(),
            dropoff: self.dropoff.offsets(),
            ready_after_min: self.ready_after_min,
            order: NewOrder {
                source: "recurrence",
                shop_id,
                pickup: self.pickup.map(NewStop::from),
                dropoff: self.dropoff.into(),
                customer_id: self.customer_id,
                packages: self.packages.into_iter().map(NewPackage::from).collect(),
                ready_at: None,
                priority: self.priority,
                tags: self.tags.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
                metadata: metadata(self.metadata).map_err(inside)?,
                cash: self.cash.map(|cash| cash.money()).transpose().map_err(inside)?,
                skills: self.skills.into_iter().collect(),
                proof: self.proof.into(),
                pins: Vec::new(),
                driver_id: self.driver_id,
                reference: self.reference,
            },
        })
    }
}

impl From<&Template> for RecurringOrderTemplate {
    fn from(template: &Template) -> Self {
        let order = &template.order;
        Self {
            pickup: order.pickup.as_ref().map(|stop| RecurringOrderStop::new(stop, template.pickup)),
            dropoff: RecurringOrderStop::new(&order.dropoff, template.dropoff),
            customer_id: order.customer_id,
            packages: order.packages.iter().map(NewOrderPackage::from).collect(),
            ready_after_min: template.ready_after_min,
            priority: order.priority,
            tags: order.tags.clone(),
            metadata: order.metadata.clone(),
            cash: order.cash.map(CashToCollect::from),
            skills: order.skills.iter().cloned().collect(),
            proof: order.proof.into(),
            driver_id: order.driver_id,
            reference: order.reference.clone(),
        }
    }
}
