//! Bodies that several operations share.

use garde::Validate;
use kernel::geo::Position;
use kernel::money::Money;
use kernel::time::Timestamp;
use platform::http::extract::present;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::OrderPosition;
use crate::commands::create::{NewPackage, NewStop};
use crate::commands::update::{Clearable, StopChange};
use crate::entities::{Contact, Place};
use crate::http::text::{self, private};

/// Who is at a stop.
#[derive(Debug, Clone, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Grace Hopper", "phone": "+358401234567" }))]
pub(in crate::http) struct StopContact {
    /// How they are called.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// In E.164.
    #[garde(inner(pattern(text::PHONE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$", example = "+358401234567")]
    pub phone: Option<String>,
}

/// When somebody should come.
#[derive(Debug, Clone, Copy, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "until": "2026-11-20T12:45:00Z" }))]
pub(super) struct StopWindow {
    /// Not before.
    #[garde(custom(text::calendar))]
    from: Option<Timestamp>,
    /// Not after.
    #[garde(custom(text::calendar))]
    until: Option<Timestamp>,
}

/// Where a new order is picked up or dropped off.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
                           "position": { "lat": 60.1699, "lon": 24.9384 } }))]
pub(in crate::http) struct NewOrderStop {
    /// Street and house number.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200)]
    street: String,
    /// Postcode.
    #[garde(length(chars, min = 1, max = 20), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 20)]
    postcode: String,
    /// City.
    #[garde(length(chars, min = 1, max = 100), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 100)]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[garde(inner(pattern(text::COUNTRY)))]
    #[schema(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// Where it is.
    #[garde(skip)]
    #[schema(value_type = Option<OrderPosition>)]
    position: Option<Position>,
    /// Who is there.
    #[garde(dive)]
    contact: Option<StopContact>,
    /// Floor, code, bell.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200)]
    door: Option<String>,
    /// For the driver.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000)]
    notes: Option<String>,
    /// When somebody should come.
    #[garde(dive)]
    window: Option<StopWindow>,
    /// How long it takes there.
    #[garde(inner(range(max = 480)))]
    #[schema(minimum = 0, maximum = 480)]
    service_minutes: Option<u32>,
}

impl From<NewOrderStop> for NewStop {
    fn from(body: NewOrderStop) -> Self {
        let (name, phone) = body.contact.map_or((None, None), |contact| (contact.name, contact.phone));
        let window = body.window.unwrap_or(StopWindow { from: None, until: None });
        let said = |text: Option<String>| text.as_deref().map(private);
        Self {
            place: Place {
                street: body.street.trim().to_owned(),
                postcode: body.postcode.trim().to_owned(),
                city: body.city.trim().to_owned(),
                country: body.country,
                position: body.position,
            },
            contact: Contact {
                name: said(name),
                phone: said(phone),
                door: said(body.door),
                notes: said(body.notes),
            },
            not_before: window.from,
            not_after: window.until,
            service_s: body.service_minutes.map(|minutes| minutes * 60),
        }
    }
}

/// What changes at a stop. What is absent stays; `null` clears where that makes sense.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "notes": "Ring twice." }))]
pub(super) struct OrderStopChange {
    /// Street and house number.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    street: Option<String>,
    /// Postcode.
    #[garde(inner(length(chars, min = 1, max = 20), pattern(text::LINE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 20, nullable = false)]
    postcode: Option<String>,
    /// City.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    city: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[garde(inner(inner(pattern(text::COUNTRY))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{2}$")]
    country: Clearable<String>,
    /// Where it is.
    #[garde(skip)]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<OrderPosition>)]
    position: Clearable<Position>,
    /// How they are called.
    #[garde(inner(inner(length(chars, min = 1, max = 200), pattern(text::LINE))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    contact_name: Clearable<String>,
    /// Their number, in E.164.
    #[garde(inner(inner(pattern(text::PHONE))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, pattern = r"^\+[1-9][0-9]{6,14}$")]
    contact_phone: Clearable<String>,
    /// Floor, code, bell.
    #[garde(inner(inner(length(chars, min = 1, max = 200))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    door: Clearable<String>,
    /// For the driver.
    #[garde(inner(inner(length(chars, min = 1, max = 1000))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    notes: Clearable<String>,
    /// When somebody should come.
    #[garde(dive)]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<StopWindow>)]
    window: Clearable<StopWindow>,
    /// How long it takes there.
    #[garde(inner(range(max = 480)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 0, maximum = 480, nullable = false)]
    service_minutes: Option<u32>,
}

impl From<OrderStopChange> for StopChange {
    fn from(body: OrderStopChange) -> Self {
        let said = |text: Clearable<String>| text.map(|text| text.as_deref().map(private));
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        Self {
            street: trimmed(body.street),
            postcode: trimmed(body.postcode),
            city: trimmed(body.city),
            country: body.country,
            position: body.position,
            service_s: body.service_minutes.map(|minutes| minutes * 60),
            name: said(body.contact_name),
            phone: said(body.contact_phone),
            door: said(body.door),
            notes: said(body.notes),
            window: body.window.map(|window| window.map(|window| (window.from, window.until))),
        }
    }
}

/// A package of a new order.
#[derive(Debug, Clone, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "description": "Two loaves of rye bread", "weight_g": 1200, "count": 1 }))]
pub(in crate::http) struct NewOrderPackage {
    /// What it is.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    description: Option<String>,
    /// A code that somebody else printed.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    barcode: Option<String>,
    /// Grams.
    #[garde(range(max = 10_000_000))]
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10_000_000)]
    weight_g: u32,
    /// Millilitres.
    #[garde(range(max = 100_000_000))]
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000_000)]
    volume_ml: u32,
    /// Pieces.
    #[garde(range(min = 1, max = 10_000))]
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 10_000)]
    count: u32,
}

fn one() -> u32 {
    1
}

impl From<NewOrderPackage> for NewPackage {
    fn from(body: NewOrderPackage) -> Self {
        Self {
            description: body.description,
            barcode: body.barcode,
            load: kernel::load::Load {
                weight_g: body.weight_g,
                volume_ml: body.volume_ml,
                count: body.count,
            },
        }
    }
}

impl From<&NewPackage> for NewOrderPackage {
    fn from(package: &NewPackage) -> Self {
        Self {
            description: package.description.clone(),
            barcode: package.barcode.clone(),
            weight_g: package.load.weight_g,
            volume_ml: package.load.volume_ml,
            count: package.load.count,
        }
    }
}

/// Cash to collect at the door.
#[derive(Debug, Clone, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "amount_minor": 1250, "currency": "EUR" }))]
pub(in crate::http) struct CashToCollect {
    /// Minor units of the currency.
    #[garde(range(min = 1, max = 1_000_000_000))]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    amount_minor: i64,
    /// ISO 4217.
    #[garde(pattern("^[A-Z]{3}$"))]
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

impl From<Money> for CashToCollect {
    fn from(cash: Money) -> Self {
        Self { amount_minor: cash.amount_minor, currency: cash.currency.to_string() }
    }
}

impl CashToCollect {
    pub(in crate::http) fn money(&self) -> Result<Money> {
        let currency = self.currency.parse();
        let currency = currency.map_err(|error: kernel::money::MoneyError| {
            Error::invalid_field("/cash/currency", error.to_string())
        })?;
        Ok(Money::new(self.amount_minor, currency))
    }
}

/// An object of at most 20 texts, numbers and booleans.
pub(in crate::http) fn metadata(map: Map<String, Value>) -> Result<Map<String, Value>> {
    if map.len() > 20 {
        return Err(Error::invalid_field("/metadata", "has more than 20 keys"));
    }
    for (key, value) in &map {
        let fits = match value {
            Value::String(text) => text.len() <= 500 && !text.contains('\0'),
            Value::Number(_) | Value::Bool(_) => true,
            _ => false,
        };
        if !fits || !text::WORD.is_match(key) {
            return Err(Error::invalid_field(
                "/metadata",
                "keys are words, values are texts up to 500 characters, numbers or booleans",
            ));
        }
    }
    Ok(map)
}
