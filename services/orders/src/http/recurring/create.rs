//! `POST /api/v1/recurring-orders`

use axum::extract::State;
use garde::Validate;
use kernel::ids::ShopId;
use platform::Result;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::RecurringOrderTemplate;
use super::view::RecurringOrderView;
use super::wall_clock;
use crate::commands::recurrences::{NewRecurrence, create};
use crate::context::Orders;
use crate::http::text;

/// A rule by which orders come back.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Bread for the café", "time_zone": "Europe/Helsinki", "rrule": "FREQ=WEEKLY;BYDAY=MO,FR",
    "starts_at": "2026-11-23T08:00", "lead_minutes": 60,
    "template": {
        "pickup": { "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki" },
        "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki", "window_from_min": 0,
                     "window_until_min": 45, "contact": { "name": "Grace Hopper", "phone": "+358401234567" } }
    }
}))]
pub(crate) struct NewRecurringOrder {
    /// What people call it.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The shop it comes from. Its time zone counts.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// IANA time zone; needed without a shop, refused with one.
    #[garde(inner(pattern(text::ZONE)))]
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_+/-]{0,63}$", example = "Europe/Helsinki")]
    time_zone: Option<String>,
    /// A rule of RFC 5545 that happens once a day at most: `FREQ` is `DAILY`, `WEEKLY`, `MONTHLY` or `YEARLY`. `UNTIL` is a
    /// date, a local time, or a time in UTC with `Z`; `COUNT` and `INTERVAL` are at most 1000.
    #[garde(pattern(text::RULE))]
    #[schema(pattern = "^[A-Za-z0-9=;,+-]{10,500}$", example = "FREQ=WEEKLY;BYDAY=MO,FR")]
    rrule: String,
    /// The first time, on the clock of the place. It stays on the wall clock across daylight saving: a time that is left
    /// out moves forward by the gap, of a time that is there twice the first counts.
    #[garde(pattern(text::LOCAL))]
    #[schema(
        pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
        example = "2026-11-23T08:00"
    )]
    starts_at: String,
    /// Nothing after it, on the same clock.
    #[garde(inner(pattern(text::LOCAL)))]
    #[schema(
        pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
        example = "2027-05-31T08:00"
    )]
    ends_at: Option<String>,
    /// How long before an occurrence its order is made, in minutes; up to 7 days.
    #[garde(range(max = 10_080))]
    #[serde(default = "an_hour")]
    #[schema(minimum = 0, maximum = 10080)]
    lead_minutes: u16,
    /// Makes nothing until it goes on.
    #[garde(skip)]
    #[serde(default)]
    paused: bool,
    /// What its orders are.
    #[garde(dive)]
    template: RecurringOrderTemplate,
}

fn an_hour() -> u16 {
    60
}

impl NewRecurringOrder {
    fn read(self) -> Result<NewRecurrence> {
        Ok(NewRecurrence {
            name: self.name,
            shop_id: self.shop_id,
            time_zone: self.time_zone,
            rrule: self.rrule,
            starts_at: wall_clock("starts_at", &self.starts_at)?,
            ends_at: self.ends_at.as_deref().map(|text| wall_clock("ends_at", text)).transpose()?,
            lead_s: i32::from(self.lead_minutes) * 60,
            paused: self.paused,
            template: self.template.read(self.shop_id)?,
        })
    }
}

/// Makes orders come back by a rule. Each occurrence has one order, made `lead_minutes` before it. A beginning in the past
/// makes nothing for what has passed; an occurrence more than two hours ago is recorded as skipped.
#[utoipa::path(
    post, path = "/api/v1/recurring-orders", operation_id = "create_recurring_order", tag = "recurring-orders",
    request_body = NewRecurringOrder,
    responses((status = 201, description = "It makes orders.", body = RecurringOrderView))
)]
pub(crate) async fn create_recurring_order(
    State(context): State<Orders>,
    request: Command<NewRecurringOrder>,
) -> Result<Answer> {
    let (new, orders) = (request.body.read()?, context.clone());
    request
        .call
        .run(context.db(), move |tx| {
            let (new, orders) = (new.clone(), orders.clone());
            Box::pin(async move {
                let one = create(tx, &orders, &new).await?;
                let location = format!("/api/v1/recurring-orders/{}", one.id);
                let answer = Answer::json(201, &RecurringOrderView::with_next(&one))?;
                Ok(answer.versioned(one.version).with_header("location", location))
            })
        })
        .await
}
