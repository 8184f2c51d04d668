//! `PATCH /api/v1/shops/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::ids::ShopId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::currency;
use super::hours::ShopHours;
use super::view::{ShopPosition, ShopView};
use crate::commands::shops as command;
use crate::context::Storefront;
use crate::entities::ShopDetails;
use crate::http::text;

/// What changes; what is absent stays. `null` clears position, phone and opening hours, and nothing else.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "preparation_minutes": 25 }))]
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) struct ShopChange {
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
    /// The letters before its order numbers.
    #[garde(inner(pattern(text::PREFIX)))]
    #[serde(deserialize_with = "present")]
    #[schema(pattern = "^[A-Z]{1,3}$", nullable = false)]
    number_prefix: Option<String>,
    /// Street and house number.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(deserialize_with = "present")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        nullable = false
    )]
    street: Option<String>,
    /// Postcode.
    #[garde(inner(length(chars, min = 1, max = 20), pattern(text::LINE)))]
    #[serde(deserialize_with = "present")]
    #[schema(
        min_length = 1,
        max_length = 20,
        pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        nullable = false
    )]
    postcode: Option<String>,
    /// City.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[serde(deserialize_with = "present")]
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        nullable = false
    )]
    city: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[garde(inner(pattern(text::COUNTRY)))]
    #[serde(deserialize_with = "present")]
    #[schema(pattern = "^[A-Z]{2}$", nullable = false)]
    country: Option<String>,
    /// Where it is.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<ShopPosition>)]
    position: Option<Option<Position>>,
    /// The number that customers may call, in E.164.
    #[garde(inner(inner(pattern(text::PHONE))))]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone: Option<Option<String>>,
    /// IANA time zone.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    #[serde(deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 64, nullable = false)]
    time_zone: Option<String>,
    /// ISO 4217.
    #[garde(inner(pattern(text::CURRENCY)))]
    #[serde(deserialize_with = "present")]
    #[schema(pattern = "^[A-Z]{3}$", nullable = false)]
    currency: Option<String>,
    /// When it is open; `null`: always. It is replaced as a whole.
    #[garde(dive)]
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<ShopHours>)]
    opening_hours: Option<Option<ShopHours>>,
    /// How long it usually takes until an order is ready.
    #[garde(inner(range(max = 1440)))]
    #[serde(deserialize_with = "present")]
    #[schema(maximum = 1440, nullable = false)]
    preparation_minutes: Option<u16>,
    /// How long picking up takes.
    #[garde(inner(range(max = 240)))]
    #[serde(deserialize_with = "present")]
    #[schema(maximum = 240, nullable = false)]
    service_minutes: Option<u16>,
}

impl ShopChange {
    fn apply(self, before: &ShopDetails) -> Result<ShopDetails> {
        let text =
            |new: Option<String>, old: &String| new.map_or_else(|| old.clone(), |new| new.trim().to_owned());
        Ok(ShopDetails {
            name: text(self.name, &before.name),
            number_prefix: text(self.number_prefix, &before.number_prefix),
            street: text(self.street, &before.street),
            postcode: text(self.postcode, &before.postcode),
            city: text(self.city, &before.city),
            country: text(self.country, &before.country),
            position: self.position.unwrap_or(before.position),
            phone: self.phone.unwrap_or_else(|| before.phone.clone()),
            time_zone: text(self.time_zone, &before.time_zone),
            currency: self.currency.as_deref().map_or(Ok(before.currency), currency)?,
            opening_hours: match self.opening_hours {
                Some(hours) => hours.as_ref().map(ShopHours::read).transpose()?,
                None => before.opening_hours.clone(),
            },
            preparation_minutes: self.preparation_minutes.unwrap_or(before.preparation_minutes),
            service_minutes: self.service_minutes.unwrap_or(before.service_minutes),
        })
    }
}

/// Changes a shop, if the caller has seen its present version.
#[utoipa::path(
    patch, path = "/api/v1/shops/{id}", operation_id = "update_shop", tag = "shops",
    params(("id" = String, Path, description = "The shop.", pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "shop_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = ShopChange,
    responses((status = 200, description = "As it is now.", body = ShopView))
)]
pub(crate) async fn update_shop(
    State(storefront): State<Storefront>,
    Path(id): Path<ShopId>,
    seen: IfMatch,
    request: Command<ShopChange>,
) -> Result<Answer> {
    let body = request.body;
    request
        .call
        .run(storefront.db(), move |tx| {
            let (change, seen) = (body.clone(), seen.clone());
            Box::pin(async move {
                let seen = |version| seen.check(version);
                let shop = command::update(tx, id, seen, |before| change.apply(before)).await?;
                let version = shop.version;
                Ok(Answer::json(200, &ShopView::new(shop, tx.now()))?.versioned(version))
            })
        })
        .await
}
