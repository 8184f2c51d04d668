//! `PATCH /api/v1/zones/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::{DriverId, ShopId, ZoneId};
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::{MAX_MINOR, area, currency, each_once};
use super::view::{MAX_POOL, ZoneCorner, ZoneView, pool};
use crate::commands::zones as command;
use crate::context::Storefront;
use crate::entities::ZoneDetails;
use crate::http::text;

/// What changes; what is absent stays. `null` clears the shop (then the zone is of all shops) and the minimum.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "fee_minor": 490 }))]
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) struct ZoneChange {
    /// Its name.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(deserialize_with = "present")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        nullable = false
    )]
    name: Option<String>,
    /// Whose; `null`: of all shops.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<Option<ShopId>>,
    /// Its corners in order, at most 1,000. Edges do not cross.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<ZoneCorner>>, min_items = 3, nullable = false)]
    area: Option<Vec<Position>>,
    /// What a delivery costs, in minor units.
    #[garde(inner(range(min = 0, max = MAX_MINOR)))]
    #[serde(deserialize_with = "present")]
    #[schema(minimum = 0, maximum = 100_000_000, nullable = false)]
    fee_minor: Option<i64>,
    /// The least value of an order, in minor units; `null`: any.
    #[garde(inner(inner(range(min = 0, max = MAX_MINOR))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 100_000_000)]
    minimum_minor: Option<Option<i64>>,
    /// ISO 4217, of both.
    #[garde(inner(pattern(text::CURRENCY)))]
    #[serde(deserialize_with = "present")]
    #[schema(pattern = "^[A-Z]{3}$", nullable = false)]
    currency: Option<String>,
    /// The drivers of the zone; empty: everybody.
    #[garde(inner(length(max = MAX_POOL)))]
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = pool)]
    pool: Option<Vec<DriverId>>,
    /// Where zones overlap, the highest counts.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(minimum = -32768, maximum = 32767, nullable = false)]
    rank: Option<i16>,
}

impl ZoneChange {
    fn apply(self, before: &ZoneDetails) -> Result<ZoneDetails> {
        Ok(ZoneDetails {
            name: self.name.map_or_else(|| before.name.clone(), |name| name.trim().to_owned()),
            shop_id: self.shop_id.unwrap_or(before.shop_id),
            area: self.area.map_or_else(|| Ok(before.area.clone()), area)?,
            fee_minor: self.fee_minor.unwrap_or(before.fee_minor),
            minimum_minor: self.minimum_minor.unwrap_or(before.minimum_minor),
            currency: self.currency.as_deref().map_or(Ok(before.currency), currency)?,
            pool: self.pool.map_or_else(|| before.pool.clone(), each_once),
            rank: self.rank.unwrap_or(before.rank),
        })
    }
}

/// Changes a delivery zone, if the caller has seen its present version.
#[utoipa::path(
    patch, path = "/api/v1/zones/{id}", operation_id = "update_zone", tag = "zones",
    params(("id" = String, Path, description = "The zone.", pattern = "^zone_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "zone_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = ZoneChange,
    responses((status = 200, description = "As it is now.", body = ZoneView))
)]
pub(crate) async fn update_zone(
    State(storefront): State<Storefront>,
    Path(id): Path<ZoneId>,
    seen: IfMatch,
    request: Command<ZoneChange>,
) -> Result<Answer> {
    let body = request.body;
    request
        .call
        .run(storefront.db(), move |tx| {
            let (change, seen) = (body.clone(), seen.clone());
            Box::pin(async move {
                let seen = |version| seen.check(version);
                let zone = command::update(tx, id, seen, |before| change.apply(before)).await?;
                let version = zone.version;
                Ok(Answer::json(200, &ZoneView::from(zone))?.versioned(version))
            })
        })
        .await
}
