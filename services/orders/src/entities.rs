//! What stores hand out and commands work on.

pub mod import;
pub mod recurrence;

use std::collections::BTreeSet;

use contracts::calls::OrderState;
use contracts::orders::{OrderFacts, StopFacts};
use jiff::civil::Date;
use kernel::geo::Position;
use kernel::ids::{
    CustomerId, DriverId, FileId, OrderEventId, OrderId, PackageId, ProofId, ScanId, ShopId, StopId,
    SubjectId, ZoneId,
};
use kernel::load::Load;
use kernel::money::Money;
use kernel::time::Timestamp;
use platform::vault::Private;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::package::PackageStatus;
use crate::domain::preparation::Preparation;
use crate::domain::proof::{Requirements, Stop as StopKind};
use crate::domain::status::Movement;

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Identifier.
    pub id: OrderId,
    /// Counts changes.
    pub version: i64,
    /// `A-042`.
    pub number: String,
    /// The day that the number counts on.
    pub day: Date,
    /// The code of the customer's page.
    pub tracking_code: String,
    /// What made it.
    pub source: String,
    /// Where it comes from.
    pub shop_id: Option<ShopId>,
    /// Who receives it.
    pub customer_id: Option<CustomerId>,
    /// Where the drop-off lies.
    pub zone_id: Option<ZoneId>,
    /// The label of who placed it.
    pub created_by: String,
    /// What an outside system calls it.
    pub reference: Option<String>,
    /// Where it stands and who has it.
    pub movement: Movement,
    /// What the shop does.
    pub preparation: Preparation,
    /// How it ended.
    pub outcome: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// Who is to blame.
    pub blame: Option<String>,
    /// When the goods are expected.
    pub ready_at: Option<Timestamp>,
    /// What it takes.
    pub load: Load,
    /// Higher goes first.
    pub priority: i16,
    /// What the driver must be able to do.
    pub skills: BTreeSet<String>,
    /// To collect at the door.
    pub cash: Option<Money>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Texts, numbers and booleans of an outside system.
    pub metadata: Map<String, Value>,
    /// What it asks for at its stops.
    pub proof: Requirements,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Where it is picked up.
    pub pickup: Stop,
    /// Where it is dropped off.
    pub dropoff: Stop,
    /// Its packages, oldest first.
    pub packages: Vec<Package>,
}

impl Order {
    /// What other services are told of it.
    pub fn facts(&self) -> OrderFacts {
        OrderFacts {
            shop_id: self.shop_id,
            number: self.number.clone(),
            tracking_code: self.tracking_code.clone(),
            customer_id: self.customer_id,
            zone_id: self.zone_id,
            pickup: self.pickup.facts(),
            dropoff: self.dropoff.facts(),
            ready_at: self.ready_at,
            load: self.load,
            skills: self.skills.clone(),
            priority: self.priority,
            cash: self.cash,
            placed_at: self.placed_at,
        }
    }

    /// How it stands, for those who decide by it.
    pub fn state(&self) -> OrderState {
        OrderState {
            status: self.movement.status(),
            driver_id: self.movement.driver(),
            attempt: self.movement.attempt(),
            version: self.version,
        }
    }

    /// Who has it, or had it when it ended.
    pub fn driver(&self) -> Option<DriverId> {
        self.movement.driver()
    }

    /// The end at which a proof is captured: a return comes back to the pick-up.
    pub fn stop(&self, kind: StopKind) -> &Stop {
        if kind == StopKind::Dropoff { &self.dropoff } else { &self.pickup }
    }
}

/// What the audit log compares: everything that is not about people.
#[derive(Debug, Serialize)]
pub struct AuditedOrder<'a> {
    version: i64,
    state: OrderState,
    facts: OrderFacts,
    preparation: &'static str,
    outcome: &'a Option<String>,
    failure_reason: &'a Option<String>,
    tags: &'a [String],
    metadata: &'a Map<String, Value>,
    proof: &'a Requirements,
}

impl<'a> From<&'a Order> for AuditedOrder<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            version: order.version,
            state: order.state(),
            facts: order.facts(),
            preparation: order.preparation.as_str(),
            outcome: &order.outcome,
            failure_reason: &order.failure_reason,
            tags: &order.tags,
            metadata: &order.metadata,
            proof: &order.proof,
        }
    }
}

/// One end of an order.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Identifier.
    pub id: StopId,
    /// Whose key seals what is about people.
    pub subject: SubjectId,
    /// Where.
    pub place: Place,
    /// Who and how to find them, opened or about to be sealed.
    pub contact: Contact,
    /// The same as it is stored.
    pub sealed: SealedContact,
    /// Not before.
    pub not_before: Option<Timestamp>,
    /// Not after.
    pub not_after: Option<Timestamp>,
    /// How long it takes there.
    pub service_s: u32,
}

impl Stop {
    fn facts(&self) -> StopFacts {
        StopFacts {
            position: self.place.position,
            from: self.not_before,
            until: self.not_after,
            service_s: self.service_s,
        }
    }
}

/// An address. It is plain: streets are searched and shown on maps.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Street and house number.
    pub street: String,
    /// Postcode.
    pub postcode: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Where it is.
    pub position: Option<Position>,
}

/// What is about people at a stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// How they are called.
    pub name: Option<Private>,
    /// In E.164.
    pub phone: Option<Private>,
    /// Floor, code, bell.
    pub door: Option<Private>,
    /// For the driver.
    pub notes: Option<Private>,
}

impl Contact {
    /// Whether there is nothing to seal.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The same, sealed.
#[derive(Debug, Clone, Default)]
pub struct SealedContact {
    /// Name.
    pub name: Option<Vec<u8>>,
    /// Phone.
    pub phone: Option<Vec<u8>>,
    /// Door.
    pub door: Option<Vec<u8>>,
    /// Notes.
    pub notes: Option<Vec<u8>>,
}

/// A package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Identifier.
    pub id: PackageId,
    /// Its order.
    pub order_id: OrderId,
    /// Counts changes.
    pub version: i64,
    /// What people type.
    pub tracking_number: String,
    /// Of the goods.
    pub description: Option<String>,
    /// A code that somebody else printed.
    pub barcode: Option<String>,
    /// What it takes.
    pub load: Load,
    /// Where it stands.
    pub status: PackageStatus,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One entry of the history of an order.
#[derive(Debug, Clone)]
pub struct OrderEvent {
    /// Identifier.
    pub id: OrderEventId,
    /// 1, 2, 3 ...
    pub seq: i32,
    /// What happened.
    pub kind: String,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
    /// Who has it afterwards.
    pub driver_id: Option<DriverId>,
    /// Which attempt.
    pub attempt: i16,
    /// By the device's clock.
    pub at: Timestamp,
    /// By ours.
    pub recorded_at: Timestamp,
    /// The caller's label.
    pub by: String,
    /// Where.
    pub position: Option<Position>,
    /// Why.
    pub reason: Option<String>,
    /// What was said.
    pub note: Option<Private>,
    /// Words and identifiers.
    pub detail: Value,
}

/// One scan of a package.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Identifier.
    pub id: ScanId,
    /// What was reported.
    pub status: String,
    /// By the device's clock.
    pub at: Timestamp,
    /// By ours.
    pub recorded_at: Timestamp,
    /// The caller's label.
    pub by: String,
    /// Where.
    pub position: Option<Position>,
    /// What was said.
    pub note: Option<Private>,
}

/// What was captured at a stop.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Identifier.
    pub id: ProofId,
    /// Its order.
    pub order_id: OrderId,
    /// Counts changes.
    pub version: i64,
    /// Where.
    pub stop: StopKind,
    /// In which attempt.
    pub attempt: i16,
    /// By the device's clock.
    pub at: Timestamp,
    /// By ours.
    pub recorded_at: Timestamp,
    /// The caller's label.
    pub by: String,
    /// Where it was captured.
    pub position: Option<Position>,
    /// Whose key seals it.
    pub subject: SubjectId,
    /// Who signed.
    pub signature_name: Option<Private>,
    /// What was said.
    pub notes: Option<Private>,
    /// What was read.
    pub barcodes: Vec<String>,
    /// The right PIN was presented.
    pub pin: bool,
    /// Somebody looked at a document.
    pub age_confirmed: bool,
    /// A picture.
    pub photo: Option<FileId>,
    /// A drawn name.
    pub signature: Option<FileId>,
}
