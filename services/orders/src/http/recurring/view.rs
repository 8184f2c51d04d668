//! A recurring order as the API shows it.

use kernel::ids::{OrderId, RecurrenceId, ShopId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::RecurringOrderTemplate;
use crate::domain::recurrence::Occurrence;
use crate::entities::recurrence::{Occurrence as Past, Recurrence};
use crate::queries::recurrences::upcoming;

/// One time of a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecurringOrderTime {
    /// When.
    #[schema(example = "2026-11-23T06:00:00Z")]
    at: Timestamp,
    /// What a clock at the place shows then.
    #[schema(example = "2026-11-23T08:00:00")]
    local: String,
}

impl From<Occurrence> for RecurringOrderTime {
    fn from(one: Occurrence) -> Self {
        Self { at: one.at, local: one.local.to_string() }
    }
}

/// A rule by which orders come back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecurringOrderView {
    /// Identifier.
    #[schema(schema_with = type_id::<RecurrenceId>)]
    id: RecurrenceId,
    /// For `If-Match`. It also counts the occurrences that were done.
    #[schema(example = 1)]
    version: i64,
    /// What people call it.
    #[schema(example = "Bread for the café")]
    name: String,
    /// The shop it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// IANA time zone; the shop's, where there is one.
    #[schema(example = "Europe/Helsinki")]
    time_zone: String,
    /// RFC 5545.
    #[schema(example = "FREQ=WEEKLY;BYDAY=MO,FR")]
    rrule: String,
    /// The first time, on the clock of the place.
    #[schema(example = "2026-11-23T08:00:00")]
    starts_at: String,
    /// Nothing after it, on the same clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-05-31T08:00:00")]
    ends_at: Option<String>,
    /// How long before an occurrence its order is made, in minutes.
    #[schema(example = 60)]
    lead_minutes: i32,
    /// Makes nothing.
    #[schema(example = false)]
    paused: bool,
    /// What its orders are; absent when who they were for was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<RecurringOrderTemplate>,
    /// When the next order is made; absent when it is paused or has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T05:00:00Z")]
    next_at: Option<Timestamp>,
    /// The next five times of which nothing was made; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    upcoming: Option<Vec<RecurringOrderTime>>,
    /// Why the last occurrence has no order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/shop_id there is no such shop")]
    last_error: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T05:00:00Z")]
    last_error_at: Option<Timestamp>,
    /// When it was made.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl RecurringOrderView {
    /// As lists show it.
    pub(super) fn new(one: &Recurrence) -> Self {
        Self {
            id: one.id,
            version: one.version,
            name: one.name.clone(),
            shop_id: one.shop_id,
            time_zone: one.time_zone.clone(),
            rrule: one.rrule.clone(),
            starts_at: one.starts_at.to_string(),
            ends_at: one.ends_at.map(|ends_at| ends_at.to_string()),
            lead_minutes: one.lead_s / 60,
            paused: one.paused,
            template: one.template.as_ref().map(RecurringOrderTemplate::from),
            next_at: one.next.map(|next| next.at),
            upcoming: None,
            last_error: one.last_error.as_ref().map(|(text, _)| text.clone()),
            last_error_at: one.last_error.as_ref().map(|(_, at)| *at),
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }

    /// With its next times.
    pub(super) fn with_next(one: &Recurrence) -> Self {
        let next = upcoming(one).into_iter().map(RecurringOrderTime::from).collect();
        Self { upcoming: Some(next), ..Self::new(one) }
    }
}

/// What became of one time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecurringOrderOccurrence {
    /// When it is, or was.
    #[schema(example = "2026-11-23T06:00:00Z")]
    occurs_at: Timestamp,
    /// `created`, `skipped` (its time was over) or `failed` (its order was refused).
    #[schema(example = "created")]
    state: &'static str,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<OrderId>)]
    order_id: Option<OrderId>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "missed")]
    reason: Option<String>,
    /// When that was recorded.
    #[schema(example = "2026-11-23T05:00:00Z")]
    recorded_at: Timestamp,
}

impl From<Past> for RecurringOrderOccurrence {
    fn from(one: Past) -> Self {
        Self {
            occurs_at: one.occurs_at,
            state: one.fate.as_str(),
            order_id: one.fate.order(),
            reason: one.fate.reason().map(str::to_owned),
            recorded_at: one.recorded_at,
        }
    }
}
