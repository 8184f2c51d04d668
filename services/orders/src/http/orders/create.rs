//! `POST /api/v1/orders`, `POST /api/v1/orders/{id}/duplicate`

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use kernel::ids::{CustomerId, DriverId, OrderId, ShopId};
use kernel::time::Timestamp;
use platform::auth::Role;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{CashToCollect, NewOrderPackage, NewOrderStop, metadata};
use super::view::{OrderView, ProofRequirements, free_object};
use crate::commands::create::{NewOrder, NewPackage, NewStop, create};
use crate::commands::duplicate::duplicate;
use crate::context::{Orders, Viewer};
use crate::domain::proof::Stop;
use crate::http::text::{self, private};

/// PINs that prove the right person, by stop.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "dropoff": "4071" }))]
pub(super) struct StopPins {
    /// At the pick-up.
    #[garde(inner(pattern(text::PIN)))]
    #[schema(pattern = "^[0-9]{4,6}$")]
    pickup: Option<String>,
    /// At the drop-off. Where it is asked for and not set, one of 4 digits is made; the customer's page shows it.
    #[garde(inner(pattern(text::PIN)))]
    #[schema(pattern = "^[0-9]{4,6}$")]
    dropoff: Option<String>,
    /// When it comes back.
    #[garde(inner(pattern(text::PIN)))]
    #[serde(rename = "return")]
    #[schema(pattern = "^[0-9]{4,6}$")]
    back: Option<String>,
}

/// A new order.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "pickup": { "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
                "position": { "lat": 60.1699, "lon": 24.9384 } },
    "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki",
                 "position": { "lat": 60.1841, "lon": 24.9501 },
                 "contact": { "name": "Grace Hopper", "phone": "+358401234567" } },
    "packages": [{ "description": "Two loaves of rye bread", "weight_g": 1200 }]
}))]
pub(crate) struct NewOrderBody {
    /// The shop it comes from.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// Where it is picked up; at the shop, when nothing is said.
    #[garde(dive)]
    pickup: Option<NewOrderStop>,
    /// Where it is dropped off.
    #[garde(dive)]
    dropoff: NewOrderStop,
    /// Who receives it.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<CustomerId>)]
    customer_id: Option<CustomerId>,
    /// What is delivered; one package, when nothing is said.
    #[garde(length(max = 50), dive)]
    #[serde(default)]
    #[schema(max_items = 50)]
    packages: Vec<NewOrderPackage>,
    /// When the goods are ready; as soon as the shop usually is, when nothing is said.
    #[garde(custom(text::calendar))]
    ready_at: Option<Timestamp>,
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
    /// PINs of its stops.
    #[garde(dive)]
    #[serde(default)]
    pins: StopPins,
    /// Who gets it at once. For staff to say.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<DriverId>)]
    driver_id: Option<DriverId>,
    /// What an outside system calls it.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[schema(min_length = 1, max_length = 100)]
    reference: Option<String>,
}

impl NewOrderBody {
    /// What the commands take, if somebody in this role may say so.
    pub(in crate::http) fn read(self, role: Role) -> Result<NewOrder> {
        if role == Role::Customer && (self.driver_id.is_some() || self.priority != 0) {
            return Err(Error::forbidden());
        }
        let pins = [
            (Stop::Pickup, self.pins.pickup),
            (Stop::Dropoff, self.pins.dropoff),
            (Stop::Return, self.pins.back),
        ];
        Ok(NewOrder {
            source: "api",
            shop_id: self.shop_id,
            pickup: self.pickup.map(NewStop::from),
            dropoff: self.dropoff.into(),
            customer_id: self.customer_id,
            packages: self.packages.into_iter().map(NewPackage::from).collect(),
            ready_at: self.ready_at,
            priority: self.priority,
            tags: self.tags.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            metadata: metadata(self.metadata)?,
            cash: self.cash.map(|cash| cash.money()).transpose()?,
            skills: self.skills.into_iter().collect(),
            proof: self.proof.into(),
            pins: pins.into_iter().filter_map(|(stop, pin)| Some((stop, private(&pin?)))).collect(),
            driver_id: self.driver_id,
            reference: self.reference,
        })
    }
}

/// Places an order. With `driver_id`, that driver has it at once.
#[utoipa::path(
    post, path = "/api/v1/orders", operation_id = "create_order", tag = "orders",
    request_body = NewOrderBody,
    responses((status = 201, description = "Placed.", body = OrderView))
)]
pub(crate) async fn create_order(
    State(context): State<Orders>,
    request: Command<NewOrderBody>,
) -> Result<Answer> {
    let new = request.body.read(request.principal.role)?;
    let orders = context.clone();
    request
        .call
        .run(context.db(), move |tx| {
            let (new, orders) = (new.clone(), orders.clone());
            Box::pin(async move {
                let order = create(tx, &orders, &new, "create_order").await?;
                let location = format!("/api/v1/orders/{}", order.id);
                let answer = Answer::json(201, &OrderView::new(&order, &Viewer::Staff))?;
                Ok(answer.versioned(order.version).with_header("location", location))
            })
        })
        .await
}

/// Places the same order once more: same places, people and goods; a new number, and nobody has it.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/duplicate", operation_id = "duplicate_order", tag = "orders",
    params(("id" = String, Path, description = "The order.", pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "order_01h455vb4pex5vsknk084sn02q")),
    responses((status = 201, description = "Placed.", body = OrderView))
)]
pub(crate) async fn duplicate_order(
    State(context): State<Orders>,
    Path(id): Path<OrderId>,
    request: Action,
) -> Result<Answer> {
    let orders = context.clone();
    request
        .call
        .run(context.db(), move |tx| {
            let orders = orders.clone();
            Box::pin(async move {
                let order = duplicate(tx, &orders, id).await?;
                let location = format!("/api/v1/orders/{}", order.id);
                let answer = Answer::json(201, &OrderView::new(&order, &Viewer::Staff))?;
                Ok(answer.versioned(order.version).with_header("location", location))
            })
        })
        .await
}
