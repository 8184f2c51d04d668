//! `POST /api/v1/recurring-orders/preview`

use axum::extract::State;
use garde::Validate;
use kernel::ids::ShopId;
use platform::Result;
use platform::http::Json;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::RecurringOrderTime;
use super::wall_clock;
use crate::context::Orders;
use crate::http::text;
use crate::queries::recurrences::{Asked, preview};

/// A rule to look at.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "time_zone": "Europe/Helsinki", "rrule": "FREQ=WEEKLY;BYDAY=MO,FR", "starts_at": "2026-11-23T08:00" }))]
pub(crate) struct RecurringOrderRule {
    /// The shop whose time zone counts.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// IANA time zone; needed without a shop, refused with one.
    #[garde(inner(pattern(text::ZONE)))]
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_+/-]{0,63}$")]
    time_zone: Option<String>,
    /// A rule of RFC 5545 that happens once a day at most.
    #[garde(pattern(text::RULE))]
    #[schema(pattern = "^[A-Za-z0-9=;,+-]{10,500}$")]
    rrule: String,
    /// The first time, on the clock of the place.
    #[garde(pattern(text::LOCAL))]
    #[schema(
        pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
    )]
    starts_at: String,
    /// Nothing after it, on the same clock.
    #[garde(inner(pattern(text::LOCAL)))]
    #[schema(
        pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
    )]
    ends_at: Option<String>,
    /// How many times are wanted.
    #[garde(range(min = 1, max = 50))]
    #[serde(default = "five")]
    #[schema(minimum = 1, maximum = 50)]
    count: u8,
}

fn five() -> u8 {
    5
}

/// The next times of a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecurringOrderTimes {
    /// From now on, earliest first; fewer than wanted when the rule ends.
    occurrences: Vec<RecurringOrderTime>,
}

/// Says when a rule happens from now on. Nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/recurring-orders/preview", operation_id = "preview_recurring_order", tag = "recurring-orders",
    request_body = RecurringOrderRule,
    responses((status = 200, description = "Its next times.", body = RecurringOrderTimes))
)]
pub(crate) async fn preview_recurring_order(
    State(context): State<Orders>,
    request: Command<RecurringOrderRule>,
) -> Result<Json<RecurringOrderTimes>> {
    let body = request.body;
    let asked = Asked {
        shop_id: body.shop_id,
        time_zone: body.time_zone,
        rrule: body.rrule,
        starts_at: wall_clock("starts_at", &body.starts_at)?,
        ends_at: body.ends_at.as_deref().map(|text| wall_clock("ends_at", text)).transpose()?,
        count: usize::from(body.count),
    };
    let found = preview(&context, &request.call.scope, &asked).await?;
    Ok(Json(RecurringOrderTimes { occurrences: found.into_iter().map(RecurringOrderTime::from).collect() }))
}
