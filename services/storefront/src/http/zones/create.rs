//! `POST /api/v1/zones`

use axum::extract::State;
use garde::Validate;
use kernel::geo::{Polygon, Position};
use kernel::ids::{DriverId, ShopId};
use kernel::money::{Currency, MoneyError};
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{MAX_POOL, ZoneCorner, ZoneView, pool};
use crate::commands::zones as command;
use crate::context::Storefront;
use crate::entities::ZoneDetails;
use crate::http::text;

/// The highest fee and minimum, in minor units: what a mistyped number does not exceed.
pub(super) const MAX_MINOR: i64 = 100_000_000;

/// A new delivery zone.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Centre", "fee_minor": 390, "minimum_minor": 1500, "currency": "EUR",
    "area": [{ "lat": 60.15, "lon": 24.90 }, { "lat": 60.15, "lon": 24.98 }, { "lat": 60.19, "lon": 24.98 }] }))]
pub(crate) struct NewZone {
    /// Its name.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// Whose; absent: of all shops.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// Its corners in order, at most 1,000. Edges do not cross.
    #[garde(skip)]
    #[schema(value_type = Vec<ZoneCorner>, min_items = 3)]
    area: Vec<Position>,
    /// What a delivery costs, in minor units.
    #[garde(range(min = 0, max = MAX_MINOR))]
    #[schema(minimum = 0, maximum = 100_000_000)]
    fee_minor: i64,
    /// The least value of an order, in minor units; absent: any.
    #[garde(inner(range(min = 0, max = MAX_MINOR)))]
    #[schema(minimum = 0, maximum = 100_000_000)]
    minimum_minor: Option<i64>,
    /// ISO 4217, of both.
    #[garde(pattern(text::CURRENCY))]
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// The drivers of the zone; empty: everybody.
    #[garde(length(max = MAX_POOL))]
    #[serde(default)]
    #[schema(schema_with = pool)]
    pool: Vec<DriverId>,
    /// Where zones overlap, the highest counts.
    #[garde(skip)]
    #[serde(default)]
    #[schema(minimum = -32768, maximum = 32767, default = 0)]
    rank: i16,
}

impl NewZone {
    fn details(self) -> Result<ZoneDetails> {
        Ok(ZoneDetails {
            name: self.name.trim().to_owned(),
            shop_id: self.shop_id,
            area: area(self.area)?,
            fee_minor: self.fee_minor,
            minimum_minor: self.minimum_minor,
            currency: currency(&self.currency)?,
            pool: each_once(self.pool),
            rank: self.rank,
        })
    }
}

/// The area between these corners.
pub(super) fn area(corners: Vec<Position>) -> Result<Polygon> {
    Polygon::new(corners).map_err(|error| Error::invalid_field("/area", error.to_string()))
}

/// A currency whose form was checked.
pub(super) fn currency(text: &str) -> Result<Currency> {
    text.parse().map_err(|error: MoneyError| Error::invalid_field("/currency", error.to_string()))
}

/// A driver named twice is in the pool once.
pub(super) fn each_once(mut pool: Vec<DriverId>) -> Vec<DriverId> {
    pool.sort_unstable();
    pool.dedup();
    pool
}

/// Adds a delivery zone, of one shop or of all.
#[utoipa::path(
    post, path = "/api/v1/zones", operation_id = "create_zone", tag = "zones", request_body = NewZone,
    responses((status = 201, description = "Added.", body = ZoneView))
)]
pub(crate) async fn create_zone(
    State(storefront): State<Storefront>,
    request: Command<NewZone>,
) -> Result<Answer> {
    let details = request.body.details()?;
    request
        .call
        .run(storefront.db(), move |tx| {
            let details = details.clone();
            Box::pin(async move {
                let zone = command::create(tx, details).await?;
                let (id, version) = (zone.id, zone.version);
                let answer = Answer::json(201, &ZoneView::from(zone))?;
                Ok(answer.with_header("location", format!("/api/v1/zones/{id}")).versioned(version))
            })
        })
        .await
}
