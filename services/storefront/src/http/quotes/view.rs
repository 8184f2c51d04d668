//! A quote as the API shows it.

use kernel::ids::{QuoteId, ZoneId};
use kernel::money::Money;
use kernel::time::Timestamp;
use platform::http::openapi::type_id;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::eta::PROBABILITY;
use crate::entities::Quote;

/// What one delivery costs and when it arrives.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QuoteView {
    /// Identifier.
    #[schema(schema_with = type_id::<QuoteId>)]
    id: QuoteId,
    /// The zone of the drop-off; absent when the organisation has no zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<QuoteZone>,
    /// What the delivery costs; absent when the organisation has no zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<QuoteFee>)]
    fee: Option<Money>,
    /// When it arrives.
    eta: QuoteWindow,
    /// The way, in metres.
    #[schema(example = 3200)]
    distance_m: u32,
    /// The way, in seconds.
    #[schema(example = 460)]
    duration_s: u32,
    /// Until when the fee holds.
    #[schema(example = "2026-11-20T12:15:00Z")]
    valid_until: Timestamp,
}

/// The zone that counts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QuoteZone {
    /// Identifier.
    #[schema(schema_with = type_id::<ZoneId>)]
    id: ZoneId,
    /// Its name.
    #[schema(example = "Centre")]
    name: String,
}

/// An amount of money.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({ "amount_minor": 390, "currency": "EUR" }))]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::money::Money`")]
pub(crate) struct QuoteFee {
    /// Minor units: cents, yen.
    amount_minor: i64,
    /// ISO 4217.
    #[schema(value_type = String)]
    currency: &'static str,
}

/// A window of arrival.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QuoteWindow {
    /// Not before.
    #[schema(example = "2026-11-20T12:25:00Z")]
    earliest: Timestamp,
    /// Most likely.
    #[schema(example = "2026-11-20T12:31:00Z")]
    expected: Timestamp,
    /// Not after.
    #[schema(example = "2026-11-20T12:43:00Z")]
    latest: Timestamp,
    /// How likely the delivery falls into the window.
    #[schema(example = 0.8)]
    probability: f64,
    /// Who knew the way: `straight_line`, `roads` ...
    #[schema(example = "straight_line")]
    source: String,
}

impl From<Quote> for QuoteView {
    fn from(quote: Quote) -> Self {
        Self {
            id: quote.id,
            zone: quote.zone.map(|(id, name)| QuoteZone { id, name }),
            fee: quote.fee,
            eta: QuoteWindow {
                earliest: quote.window.earliest,
                expected: quote.window.expected,
                latest: quote.window.latest,
                probability: PROBABILITY,
                source: quote.source,
            },
            distance_m: quote.distance_m,
            duration_s: quote.duration_s,
            valid_until: quote.valid_until,
        }
    }
}
