//! Orders that come back, and what became of each time.

use jiff::civil::DateTime;
use kernel::ids::{OrderId, RecurrenceId, ShopId, SubjectId};
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::commands::create::NewOrder;

/// A rule by which orders come back.
#[derive(Debug, Clone)]
pub struct Recurrence {
    /// Identifier.
    pub id: RecurrenceId,
    /// Counts changes.
    pub version: i64,
    /// What people call it.
    pub name: String,
    /// Where its orders come from.
    pub shop_id: Option<ShopId>,
    /// IANA.
    pub time_zone: String,
    /// RFC 5545.
    pub rrule: String,
    /// The first time, on the clock of the place.
    pub starts_at: DateTime,
    /// Nothing after it.
    pub ends_at: Option<DateTime>,
    /// How long before an occurrence its order is made, in seconds.
    pub lead_s: i32,
    /// Makes nothing.
    pub paused: bool,
    /// What its orders are; `None` when it is closed, or who they are for was erased.
    pub template: Option<Template>,
    /// Whose key seals the template.
    pub subject: SubjectId,
    /// The next occurrence of which nothing was made; `None`: paused or ended.
    pub next: Option<Next>,
    /// Why the last occurrence has no order.
    pub last_error: Option<(String, Timestamp)>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The occurrence.
    pub occurs_at: Timestamp,
    /// When its order is made.
    pub at: Timestamp,
}

/// What is about people in it: nothing that the audit log compares.
#[derive(Debug, Serialize)]
pub struct AuditedRecurrence<'a> {
    version: i64,
    name: &'a str,
    shop_id: Option<ShopId>,
    time_zone: &'a str,
    rrule: &'a str,
    starts_at: DateTime,
    ends_at: Option<DateTime>,
    lead_s: i32,
    paused: bool,
}

impl<'a> From<&'a Recurrence> for AuditedRecurrence<'a> {
    fn from(one: &'a Recurrence) -> Self {
        Self {
            version: one.version,
            name: &one.name,
            shop_id: one.shop_id,
            time_zone: &one.time_zone,
            rrule: &one.rrule,
            starts_at: one.starts_at,
            ends_at: one.ends_at,
            lead_s: one.lead_s,
            paused: one.paused,
        }
    }
}

/// An order without its day: its times are distances from the occurrence, in minutes.
#[derive(Debug, Clone)]
pub struct Template {
    /// Everything but times, and the shop.
    pub order: NewOrder,
    /// Of the pick-up.
    pub pickup: Offsets,
    /// Of the drop-off.
    pub dropoff: Offsets,
    /// When the goods are ready.
    pub ready_after_min: i32,
}

/// When somebody should come, from the occurrence on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets {
    /// Not before.
    pub from_min: Option<i32>,
    /// Not after.
    pub until_min: Option<i32>,
}

/// What became of an occurrence.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// When it is, or was.
    pub occurs_at: Timestamp,
    /// What came of it.
    pub fate: Fate,
    /// When that was recorded.
    pub recorded_at: Timestamp,
}

/// What came of an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// An order.
    Created(OrderId),
    /// Its time was over before anybody looked.
    Skipped(String),
    /// The order was refused.
    Failed(String),
}

impl Fate {
    /// The word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// The order.
    pub fn order(&self) -> Option<OrderId> {
        if let Self::Created(order) = self { Some(*order) } else { None }
    }

    /// Why there is none.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Created(_) => None,
            Self::Skipped(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}
