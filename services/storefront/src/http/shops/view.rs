//! A shop as the API shows it.

use kernel::geo::Position;
use kernel::ids::ShopId;
use kernel::time::Timestamp;
use platform::http::openapi::type_id;
use serde::Serialize;
use utoipa::ToSchema;

use super::hours::ShopHours;
use crate::domain::shop;
use crate::entities::Shop;

/// A place in degrees (WGS 84).
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({ "lat": 60.1699, "lon": 24.9384 }))]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::geo::Position`")]
pub(crate) struct ShopPosition {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    lon: f64,
}

/// Where orders come from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ShopView {
    /// Identifier.
    #[schema(schema_with = type_id::<ShopId>)]
    id: ShopId,
    /// The version, as in the `ETag`.
    #[schema(example = 1)]
    version: i64,
    /// Its name.
    #[schema(example = "Ada's Bakery")]
    name: String,
    /// The letters before its order numbers.
    #[schema(example = "A")]
    number_prefix: String,
    /// Street and house number.
    #[schema(example = "Aleksanterinkatu 52")]
    street: String,
    /// Postcode.
    #[schema(example = "00100")]
    postcode: String,
    /// City.
    #[schema(example = "Helsinki")]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "FI")]
    country: String,
    /// Where it is, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ShopPosition>)]
    position: Option<Position>,
    /// The number that customers may call, in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+358912345678")]
    phone: Option<String>,
    /// IANA time zone.
    #[schema(example = "Europe/Helsinki")]
    time_zone: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// When it is open; absent: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    opening_hours: Option<ShopHours>,
    /// How long it usually takes until an order is ready.
    #[schema(example = 15)]
    preparation_minutes: u16,
    /// How long picking up takes.
    #[schema(example = 2)]
    service_minutes: u16,
    /// Whether it is open at this moment.
    #[schema(example = true)]
    open_now: bool,
    /// When it opens next; absent while it is open, and when it does not open within a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T06:00:00Z")]
    opens_at: Option<Timestamp>,
    /// When it was added.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl ShopView {
    /// The shop as it is at this moment.
    pub fn new(shop: Shop, now: Timestamp) -> Self {
        let state = shop::now(&shop, now);
        let details = shop.details;
        Self {
            id: shop.id,
            version: shop.version,
            name: details.name,
            number_prefix: details.number_prefix,
            street: details.street,
            postcode: details.postcode,
            city: details.city,
            country: details.country,
            position: details.position,
            phone: details.phone,
            time_zone: details.time_zone,
            currency: details.currency.to_string(),
            opening_hours: details.opening_hours.map(ShopHours::from),
            preparation_minutes: details.preparation_minutes,
            service_minutes: details.service_minutes,
            open_now: state.open,
            opens_at: state.opens_at,
            created_at: shop.created_at,
            updated_at: shop.updated_at,
        }
    }
}
