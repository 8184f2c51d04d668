//! `PATCH`, `DELETE /api/v1/recurring-orders/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::RecurrenceId;
use platform::Result;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::RecurringOrderTemplate;
use super::view::RecurringOrderView;
use super::wall_clock;
use crate::commands::recurrences::{Change, delete, update};
use crate::commands::update::Clearable;
use crate::context::Orders;
use crate::http::text;

/// What changes; what is absent stays. The shop stays: another shop's orders are another rule.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "paused": true }))]
pub(crate) struct RecurringOrderChange {
    /// What people call it.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// IANA time zone, without a shop.
    #[garde(inner(pattern(text::ZONE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_+/-]{0,63}$", nullable = false)]
    time_zone: Option<String>,
    /// A rule of RFC 5545 that happens once a day at most.
    #[garde(inner(pattern(text::RULE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(pattern = "^[A-Za-z0-9=;,+-]{10,500}$", nullable = false)]
    rrule: Option<String>,
    /// The first time, on the clock of the place.
    #[garde(inner(pattern(text::LOCAL)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(
        pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
        nullable = false
    )]
    starts_at: Option<String>,
    /// Nothing after it, on the same clock; `null`: only the rule ends it.
    #[garde(inner(inner(pattern(text::LOCAL))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>,
             pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")]
    ends_at: Clearable<String>,
    /// How long before an occurrence its order is made, in minutes; up to 7 days.
    #[garde(inner(range(max = 10_080)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 0, maximum = 10080, nullable = false)]
    lead_minutes: Option<u16>,
    /// Makes nothing until it goes on; what lies in between is left out.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    paused: Option<bool>,
    /// What its orders are, in place of that before.
    #[garde(dive)]
    #[serde(default, deserialize_with = "present")]
    template: Option<RecurringOrderTemplate>,
}

impl RecurringOrderChange {
    fn read(self) -> Result<Change> {
        let ends_at = match self.ends_at {
            None => None,
            Some(None) => Some(None),
            Some(Some(text)) => Some(Some(wall_clock("ends_at", &text)?)),
        };
        Ok(Change {
            name: self.name,
            time_zone: self.time_zone,
            rrule: self.rrule,
            starts_at: self.starts_at.as_deref().map(|text| wall_clock("starts_at", text)).transpose()?,
            ends_at,
            lead_s: self.lead_minutes.map(|minutes| i32::from(minutes) * 60),
            paused: self.paused,
            template: self.template.map(|template| template.read(None)).transpose()?,
        })
    }
}

/// Changes a recurring order, if the caller has seen its present version. Orders that were made stay as they are; other
/// times count from now on.
#[utoipa::path(
    patch, path = "/api/v1/recurring-orders/{id}", operation_id = "update_recurring_order", tag = "recurring-orders",
    params(("id" = String, Path, description = "The recurring order.", pattern = "^recurrence_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "recurrence_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = RecurringOrderChange,
    responses((status = 200, description = "As it is now.", body = RecurringOrderView))
)]
pub(crate) async fn update_recurring_order(
    State(context): State<Orders>,
    Path(id): Path<RecurrenceId>,
    seen: IfMatch,
    request: Command<RecurringOrderChange>,
) -> Result<Answer> {
    let (change, orders) = (request.body.read()?, context.clone());
    request
        .call
        .run(context.db(), move |tx| {
            let (change, orders, seen) = (change.clone(), orders.clone(), seen.clone());
            Box::pin(async move {
                let one = update(tx, &orders, id, &change, move |version| seen.check(version)).await?;
                Ok(Answer::json(200, &RecurringOrderView::with_next(&one))?.versioned(one.version))
            })
        })
        .await
}

/// Removes a recurring order. Orders that it made stay.
#[utoipa::path(
    delete, path = "/api/v1/recurring-orders/{id}", operation_id = "delete_recurring_order", tag = "recurring-orders",
    params(("id" = String, Path, description = "The recurring order.", pattern = "^recurrence_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "recurrence_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn delete_recurring_order(
    State(context): State<Orders>,
    Path(id): Path<RecurrenceId>,
    request: Action,
) -> Result<Answer> {
    let orders = context.clone();
    request
        .call
        .run(context.db(), move |tx| {
            let orders = orders.clone();
            Box::pin(async move {
                delete(tx, &orders, id).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
