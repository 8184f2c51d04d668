//! `POST /api/v1/quotes`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::ShopId;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::QuoteView;
use crate::commands::quotes::{self as command, Asked};
use crate::context::Storefront;

/// The highest value of an order, in minor units.
const MAX_VALUE: i64 = 1_000_000_000_000;

/// A place in degrees (WGS 84).
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({ "lat": 60.1850, "lon": 24.9500 }))]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::geo::Position`")]
pub(crate) struct QuotePosition {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    lon: f64,
}

/// Asks what a delivery costs and when it arrives.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "shop_id": "shop_01h455vb4pex5vsknk084sn02q", "value_minor": 2400,
    "dropoff": { "lat": 60.1850, "lon": 24.9500 } }))]
pub(crate) struct NewQuote {
    /// From which shop: its zones, hours and times count.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// From where; the shop's place when absent.
    #[garde(skip)]
    #[schema(value_type = Option<QuotePosition>)]
    pickup: Option<Position>,
    /// To where.
    #[garde(skip)]
    #[schema(value_type = QuotePosition)]
    dropoff: Position,
    /// What the order is worth, in minor units of the zone's currency; it is compared with the zone's minimum.
    #[garde(inner(range(min = 0, max = MAX_VALUE)))]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    value_minor: Option<i64>,
    /// Work on the order begins not before; at most 30 days ahead.
    #[garde(skip)]
    #[schema(example = "2026-11-20T12:00:00Z")]
    ready_at: Option<Timestamp>,
}

/// Says what a delivery costs and when it arrives. The fee holds for 15 minutes.
///
/// A drop-off outside of all zones is refused with `outside_zones`, an order below the zone's minimum with `below_minimum`
/// and the `minimum`. A shop that is closed is counted from its next opening.
#[utoipa::path(
    post, path = "/api/v1/quotes", operation_id = "create_quote", tag = "quotes", request_body = NewQuote,
    responses((status = 201, description = "The quote.", body = QuoteView))
)]
pub(crate) async fn create_quote(
    State(storefront): State<Storefront>,
    request: Command<NewQuote>,
) -> Result<Answer> {
    let body = request.body;
    let asked = Asked {
        shop: body.shop_id,
        pickup: body.pickup,
        dropoff: body.dropoff,
        value_minor: body.value_minor,
        ready_at: body.ready_at,
    };
    let way = command::look_up(&storefront, &request.call.scope, &asked).await?;
    request
        .call
        .run(storefront.db(), move |tx| {
            let (asked, way) = (asked.clone(), way.clone());
            Box::pin(async move {
                let quote = command::create(tx, asked, way).await?;
                Answer::json(201, &QuoteView::from(quote))
            })
        })
        .await
}
