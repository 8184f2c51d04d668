//! `POST /api/v1/shops`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::money::Currency;
use platform::http::call::Command;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::hours::ShopHours;
use super::view::{ShopPosition, ShopView};
use crate::commands::shops as command;
use crate::context::Storefront;
use crate::domain::shop::prefix_of;
use crate::entities::ShopDetails;
use crate::http::text;

/// A new shop.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada's Bakery", "street": "Aleksanterinkatu 52", "postcode": "00100",
    "city": "Helsinki", "country": "FI", "position": { "lat": 60.1699, "lon": 24.9384 }, "phone": "+358912345678",
    "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 15, "service_minutes": 2,
    "opening_hours": { "monday": [{ "from": "08:00", "until": "18:00" }] } }))]
pub(crate) struct NewShop {
    /// Its name.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// The letters before its order numbers; the first letter of its name when absent.
    #[garde(inner(pattern(text::PREFIX)))]
    #[schema(pattern = "^[A-Z]{1,3}$")]
    number_prefix: Option<String>,
    /// Street and house number.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    street: String,
    /// Postcode.
    #[garde(length(chars, min = 1, max = 20), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 20, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    postcode: String,
    /// City.
    #[garde(length(chars, min = 1, max = 100), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[garde(pattern(text::COUNTRY))]
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// Where it is.
    #[garde(skip)]
    #[schema(value_type = Option<ShopPosition>)]
    position: Option<Position>,
    /// The number that customers may call, in E.164.
    #[garde(inner(pattern(text::PHONE)))]
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$")]
    phone: Option<String>,
    /// IANA time zone.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    time_zone: String,
    /// ISO 4217.
    #[garde(pattern(text::CURRENCY))]
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// When it is open; absent: always.
    #[garde(dive)]
    opening_hours: Option<ShopHours>,
    /// How long it usually takes until an order is ready.
    #[garde(range(max = 1440))]
    #[serde(default)]
    #[schema(maximum = 1440, default = 0)]
    preparation_minutes: u16,
    /// How long picking up takes.
    #[garde(range(max = 240))]
    #[serde(default)]
    #[schema(maximum = 240, default = 0)]
    service_minutes: u16,
}

impl NewShop {
    fn details(self) -> Result<ShopDetails> {
        let name = self.name.trim().to_owned();
        Ok(ShopDetails {
            number_prefix: self.number_prefix.unwrap_or_else(|| prefix_of(&name)),
            name,
            street: self.street.trim().to_owned(),
            postcode: self.postcode.trim().to_owned(),
            city: self.city.trim().to_owned(),
            country: self.country,
            position: self.position,
            phone: self.phone,
            time_zone: self.time_zone,
            currency: currency(&self.currency)?,
            opening_hours: self.opening_hours.as_ref().map(ShopHours::read).transpose()?,
            preparation_minutes: self.preparation_minutes,
            service_minutes: self.service_minutes,
        })
    }
}

/// A currency whose form was checked.
pub(super) fn currency(text: &str) -> Result<Currency> {
    text.parse()
        .map_err(|error: kernel::money::MoneyError| Error::invalid_field("/currency", error.to_string()))
}

/// Adds a shop to the caller's organisation.
#[utoipa::path(
    post, path = "/api/v1/shops", operation_id = "create_shop", tag = "shops", request_body = NewShop,
    responses((status = 201, description = "Added.", body = ShopView))
)]
pub(crate) async fn create_shop(
    State(storefront): State<Storefront>,
    request: Command<NewShop>,
) -> Result<Answer> {
    let details = request.body.details()?;
    request
        .call
        .run(storefront.db(), move |tx| {
            let details = details.clone();
            Box::pin(async move {
                let shop = command::create(tx, details).await?;
                let (id, version) = (shop.id, shop.version);
                let answer = Answer::json(201, &ShopView::new(shop, tx.now()))?;
                Ok(answer.with_header("location", format!("/api/v1/shops/{id}")).versioned(version))
            })
        })
        .await
}
