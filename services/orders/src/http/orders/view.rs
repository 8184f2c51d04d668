//! An order as the API shows it. What is about people is absent in summaries, and after an erasure.

use kernel::geo::Position;
use kernel::ids::{CustomerId, DriverId, OrderEventId, OrderId, PackageId, ShopId, ZoneId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use platform::vault::Private;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::context::Viewer;
use crate::domain::proof::{Level, Requirements, Wanted};
use crate::entities::{self, Order};

/// A place on the earth (WGS 84).
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lat": 60.1699, "lon": 24.9384 }))]
pub(crate) struct OrderPosition {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90, example = 60.1699)]
    pub lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180, example = 24.9384)]
    pub lon: f64,
}

impl From<Position> for OrderPosition {
    fn from(position: Position) -> Self {
        Self { lat: position.lat(), lon: position.lon() }
    }
}

/// An object whose members the API does not name.
pub(in crate::http) fn free_object() -> Object {
    ObjectBuilder::new().schema_type(Type::Object).examples([json!({ "table": 7 })]).build()
}

/// Cash to collect at the door.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct OrderCash {
    /// Minor units of the currency.
    #[schema(example = 1250)]
    amount_minor: i64,
    /// ISO 4217.
    #[schema(value_type = String, example = "EUR")]
    currency: kernel::money::Currency,
}

impl From<kernel::money::Money> for OrderCash {
    fn from(cash: kernel::money::Money) -> Self {
        Self { amount_minor: cash.amount_minor, currency: cash.currency }
    }
}

/// When somebody should come.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct OrderWindow {
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    from: Option<Timestamp>,
    /// Not after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:45:00Z")]
    until: Option<Timestamp>,
}

/// One end of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderStop {
    /// Street and house number.
    #[schema(example = "Aleksanterinkatu 52")]
    street: String,
    /// Postcode.
    #[schema(example = "00100")]
    postcode: String,
    /// City.
    #[schema(example = "Helsinki")]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "FI")]
    country: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<OrderPosition>,
    /// Who is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Grace Hopper")]
    contact_name: Option<String>,
    /// Their number, in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+358401234567")]
    contact_phone: Option<String>,
    /// Floor, code, bell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "B 12, code 1852")]
    door: Option<String>,
    /// For the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "The dog is friendly.")]
    notes: Option<String>,
    /// When somebody should come.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<OrderWindow>,
    /// How long it takes there, in minutes.
    #[schema(example = 3)]
    service_minutes: u32,
}

fn said(text: Option<&Private>) -> Option<String> {
    text.map(|text| text.reveal().to_owned())
}

impl OrderWindow {
    /// `None` when nothing is said.
    pub(in crate::http) fn new(from: Option<Timestamp>, until: Option<Timestamp>) -> Option<Self> {
        (from.is_some() || until.is_some()).then_some(Self { from, until })
    }
}

impl From<&entities::Stop> for OrderStop {
    fn from(stop: &entities::Stop) -> Self {
        let place = stop.place.clone();
        Self {
            street: place.street,
            postcode: place.postcode,
            city: place.city,
            country: place.country,
            position: place.position.map(OrderPosition::from),
            contact_name: said(stop.contact.name.as_ref()),
            contact_phone: said(stop.contact.phone.as_ref()),
            door: said(stop.contact.door.as_ref()),
            notes: said(stop.contact.notes.as_ref()),
            window: OrderWindow::new(stop.not_before, stop.not_after),
            service_minutes: stop.service_s.div_ceil(60),
        }
    }
}

/// How much a kind of proof is wanted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofLevel {
    /// The step waits for it.
    Required,
    /// Its absence is recorded.
    Warn,
    /// Nice to have.
    Optional,
    /// Not asked for.
    #[default]
    Off,
}

impl From<ProofLevel> for Level {
    fn from(level: ProofLevel) -> Self {
        match level {
            ProofLevel::Required => Self::Required,
            ProofLevel::Warn => Self::Warn,
            ProofLevel::Optional => Self::Optional,
            ProofLevel::Off => Self::Off,
        }
    }
}

impl From<Level> for ProofLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Required => Self::Required,
            Level::Warn => Self::Warn,
            Level::Optional => Self::Optional,
            Level::Off => Self::Off,
        }
    }
}

/// What a stop asks for as proof.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "photo": "required", "signature": "optional" }))]
pub(crate) struct ProofWanted {
    /// A picture.
    #[schema(inline)]
    photo: ProofLevel,
    /// A drawn name.
    #[schema(inline)]
    signature: ProofLevel,
    /// The PIN of the stop.
    #[schema(inline)]
    pin: ProofLevel,
    /// The codes of all packages that have one.
    #[schema(inline)]
    barcodes: ProofLevel,
    /// A sentence.
    #[schema(inline)]
    notes: ProofLevel,
    /// A look at a document.
    #[schema(inline)]
    minimum_age: ProofLevel,
}

impl From<ProofWanted> for Wanted {
    fn from(wanted: ProofWanted) -> Self {
        Self {
            photo: wanted.photo.into(),
            signature: wanted.signature.into(),
            pin: wanted.pin.into(),
            barcodes: wanted.barcodes.into(),
            notes: wanted.notes.into(),
            minimum_age: wanted.minimum_age.into(),
        }
    }
}

impl From<Wanted> for ProofWanted {
    fn from(wanted: Wanted) -> Self {
        Self {
            photo: wanted.photo.into(),
            signature: wanted.signature.into(),
            pin: wanted.pin.into(),
            barcodes: wanted.barcodes.into(),
            notes: wanted.notes.into(),
            minimum_age: wanted.minimum_age.into(),
        }
    }
}

/// What an order asks for as proof at its stops.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "dropoff": { "photo": "required" } }))]
pub(crate) struct ProofRequirements {
    /// At the pick-up.
    pickup: ProofWanted,
    /// At the drop-off.
    dropoff: ProofWanted,
    /// When it comes back.
    #[serde(rename = "return")]
    back: ProofWanted,
}

impl From<ProofRequirements> for Requirements {
    fn from(proof: ProofRequirements) -> Self {
        Self { pickup: proof.pickup.into(), dropoff: proof.dropoff.into(), back: proof.back.into() }
    }
}

impl From<Requirements> for ProofRequirements {
    fn from(proof: Requirements) -> Self {
        Self { pickup: proof.pickup.into(), dropoff: proof.dropoff.into(), back: proof.back.into() }
    }
}

/// A package of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderPackage {
    /// Identifier.
    #[schema(schema_with = type_id::<PackageId>)]
    id: PackageId,
    /// What people type to find it.
    #[schema(example = "P7KQ2M9XTB4HPJ")]
    tracking_number: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Two loaves of rye bread")]
    description: Option<String>,
    /// A code that somebody else printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "6414893386488")]
    barcode: Option<String>,
    /// Grams.
    #[schema(example = 1200)]
    weight_g: u32,
    /// Millilitres.
    #[schema(example = 9000)]
    volume_ml: u32,
    /// Pieces.
    #[schema(example = 1)]
    count: u32,
    /// Where it stands.
    #[schema(example = "pending")]
    status: &'static str,
}

impl From<&entities::Package> for OrderPackage {
    fn from(package: &entities::Package) -> Self {
        Self {
            id: package.id,
            tracking_number: package.tracking_number.clone(),
            description: package.description.clone(),
            barcode: package.barcode.clone(),
            weight_g: package.load.weight_g,
            volume_ml: package.load.volume_ml,
            count: package.load.count,
            status: package.status.as_str(),
        }
    }
}

/// One job: pick up here, drop off there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderView {
    /// Identifier.
    #[schema(schema_with = type_id::<OrderId>)]
    id: OrderId,
    /// For `If-Match`.
    #[schema(example = 1)]
    version: i64,
    /// What people call it on its day.
    #[schema(example = "A-042")]
    number: String,
    /// The code of the customer's page. Drivers do not see it: the page shows the PIN that they are to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "7KQ2M9XTB4HP")]
    tracking_code: Option<String>,
    /// What made it: `api`, `import`, `recurrence`, `duplicate`, `package`, `checkout`.
    #[schema(example = "api")]
    source: String,
    /// The shop it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// Who receives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<CustomerId>)]
    customer_id: Option<CustomerId>,
    /// The zone of the drop-off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ZoneId>)]
    zone_id: Option<ZoneId>,
    /// What an outside system calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "web-10042")]
    reference: Option<String>,
    /// Where it stands: `created`, `assigned`, `enroute_to_pickup`, `arrived_at_pickup`, `picked_up`, `enroute_to_dropoff`,
    /// `arrived_at_dropoff`, `delivered`, `failed`, `returning`, `returned`, `cancelled`.
    #[schema(example = "created")]
    status: &'static str,
    /// Steps that can follow.
    #[schema(example = json!(["enroute_to_pickup"]))]
    allowed: Vec<&'static str>,
    /// Who has it, or had it when it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<DriverId>)]
    driver_id: Option<DriverId>,
    /// Which attempt.
    #[schema(example = 1)]
    attempt: u16,
    /// What the shop does: `none`, `pending`, `accepted`, `preparing`, `ready`, `rejected`.
    #[schema(example = "none")]
    preparation: &'static str,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "delivered_to_recipient")]
    outcome: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "not_at_home")]
    failure_reason: Option<String>,
    /// Who is to blame: `carrier`, `merchant`, `recipient`, `weather`, `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "recipient")]
    blame: Option<String>,
    /// Where it is picked up.
    pickup: OrderStop,
    /// Where it is dropped off.
    dropoff: OrderStop,
    /// Its packages.
    packages: Vec<OrderPackage>,
    /// When the goods are expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:15:00Z")]
    ready_at: Option<Timestamp>,
    /// Higher goes first.
    #[schema(example = 0)]
    priority: i16,
    /// Words to find it by.
    #[schema(example = json!(["breakfast"]))]
    tags: Vec<String>,
    /// Texts, numbers and booleans of an outside system.
    #[schema(schema_with = free_object)]
    metadata: Map<String, Value>,
    /// Cash to collect at the door.
    #[serde(skip_serializing_if = "Option::is_none")]
    cash: Option<OrderCash>,
    /// What the driver must be able to do.
    #[schema(example = json!(["age_check"]))]
    skills: Vec<String>,
    /// What it asks for as proof.
    proof: ProofRequirements,
    /// When it was placed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    placed_at: Timestamp,
    /// When it last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl OrderView {
    /// The view of an order for somebody, with as much about people as is open.
    pub(crate) fn new(order: &Order, viewer: &Viewer) -> Self {
        Self {
            id: order.id,
            version: order.version,
            number: order.number.clone(),
            tracking_code: viewer.may_follow().then(|| order.tracking_code.clone()),
            source: order.source.clone(),
            shop_id: order.shop_id,
            customer_id: order.customer_id,
            zone_id: order.zone_id,
            reference: order.reference.clone(),
            status: order.movement.status().as_str(),
            allowed: order.movement.steps().into_iter().map(contracts::orders::OrderStatus::as_str).collect(),
            driver_id: order.driver(),
            attempt: order.movement.attempt(),
            preparation: order.preparation.as_str(),
            outcome: order.outcome.clone(),
            failure_reason: order.failure_reason.clone(),
            blame: order.blame.clone(),
            pickup: (&order.pickup).into(),
            dropoff: (&order.dropoff).into(),
            packages: order.packages.iter().map(OrderPackage::from).collect(),
            ready_at: order.ready_at,
            priority: order.priority,
            tags: order.tags.clone(),
            metadata: order.metadata.clone(),
            cash: order.cash.map(OrderCash::from),
            skills: order.skills.iter().cloned().collect(),
            proof: order.proof.into(),
            placed_at: order.placed_at,
            updated_at: order.updated_at,
        }
    }
}

/// How an order stands after a command that moves it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderMoved {
    /// Whether it moved; false when it was so already.
    #[schema(example = true)]
    pub moved: bool,
    /// How it stands, without what is about people.
    pub order: OrderView,
}

/// One entry of an order's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderEventView {
    /// Identifier.
    #[schema(schema_with = type_id::<OrderEventId>)]
    id: OrderEventId,
    /// 1, 2, 3 ... in the order in which they were recorded.
    #[schema(example = 1)]
    sequence: i32,
    /// What happened: `created`, `assigned`, `reassigned`, `handed_over`, `unassigned`, `step`, `failed`, `cancelled`, `returning`,
    /// `reattempt`, `correction`, `updated`, `preparation`, `proof`, `proof_warning`.
    #[schema(example = "step")]
    kind: String,
    /// The status before.
    #[schema(example = "assigned")]
    from: String,
    /// The status after.
    #[schema(example = "enroute_to_pickup")]
    to: String,
    /// Who has it afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<DriverId>)]
    driver_id: Option<DriverId>,
    /// Which attempt.
    #[schema(example = 1)]
    attempt: i16,
    /// When, by the clock of the device that reported it.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Timestamp,
    /// When it was recorded.
    #[schema(example = "2026-11-20T12:00:01Z")]
    recorded_at: Timestamp,
    /// Who caused it: a user, a key, or the installation.
    #[schema(example = "system")]
    by: String,
    /// Where the device was.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<OrderPosition>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "not_at_home")]
    reason: Option<String>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Left with the neighbour.")]
    note: Option<String>,
    /// Words and identifiers that belong to it.
    #[schema(schema_with = free_object)]
    detail: Value,
}

impl From<entities::OrderEvent> for OrderEventView {
    fn from(event: entities::OrderEvent) -> Self {
        Self {
            id: event.id,
            sequence: event.seq,
            kind: event.kind,
            from: event.from,
            to: event.to,
            driver_id: event.driver_id,
            attempt: event.attempt,
            at: event.at,
            recorded_at: event.recorded_at,
            by: event.by,
            position: event.position.map(OrderPosition::from),
            reason: event.reason,
            note: said(event.note.as_ref()),
            detail: event.detail,
        }
    }
}
