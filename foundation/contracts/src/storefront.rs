//! Events of the storefront service.

use kernel::geo::{Polygon, Position};
use kernel::ids::{DriverId, ShopId, Uuid, ZoneId};
use kernel::money::{Currency, Money};
use serde::{Deserialize, Serialize};

use crate::Event;

/// What others need to know of a shop. A shop is a business: nothing here is about a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopFacts {
    /// Its name.
    pub name: String,
    /// The letter or letters before its order numbers: `A` in `A-042`.
    pub number_prefix: String,
    /// Street and house number.
    pub street: String,
    /// Postcode.
    pub postcode: String,
    /// City.
    pub city: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The number that customers may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// IANA time zone: what people see, and what a day is.
    pub time_zone: String,
    /// Currency of its prices.
    pub currency: Currency,
    /// How long it usually takes until an order is ready.
    pub preparation_s: u32,
    /// How long picking up takes.
    pub service_s: u32,
}

impl ShopFacts {
    /// For documentation and tests.
    pub fn example() -> Self {
        Self {
            name: "Ada's Bakery".to_owned(),
            number_prefix: "A".to_owned(),
            street: "Aleksanterinkatu 52".to_owned(),
            postcode: "00100".to_owned(),
            city: "Helsinki".to_owned(),
            position: Position::new(60.1699, 24.9384).ok(),
            phone: Some("+358912345678".to_owned()),
            time_zone: "Europe/Helsinki".to_owned(),
            currency: eur(),
            preparation_s: 900,
            service_s: 120,
        }
    }
}

#[expect(clippy::expect_used, reason = "three letters in the source")]
fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

/// A shop exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopCreated {
    /// The shop.
    pub shop_id: ShopId,
    /// What it is.
    pub facts: ShopFacts,
}

impl Event for ShopCreated {
    const SUBJECT: &'static str = "shop.created.v1";
    const WHEN: &'static str = "A shop was added.";
    fn example() -> Self {
        Self { shop_id: ShopId::new(Uuid::from_u128(10)), facts: ShopFacts::example() }
    }
}

/// A shop changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopUpdated {
    /// The shop.
    pub shop_id: ShopId,
    /// What it is now.
    pub facts: ShopFacts,
}

impl Event for ShopUpdated {
    const SUBJECT: &'static str = "shop.updated.v1";
    const WHEN: &'static str = "A shop's name, place, hours or times changed.";
    fn example() -> Self {
        Self { shop_id: ShopId::new(Uuid::from_u128(10)), facts: ShopFacts::example() }
    }
}

/// A shop takes no more orders. Those that it has go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopDeleted {
    /// The shop.
    pub shop_id: ShopId,
}

impl Event for ShopDeleted {
    const SUBJECT: &'static str = "shop.deleted.v1";
    const WHEN: &'static str = "A shop was removed.";
    fn example() -> Self {
        Self { shop_id: ShopId::new(Uuid::from_u128(10)) }
    }
}

/// What others need to know of a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneFacts {
    /// Its name.
    pub name: String,
    /// The shop whose zone it is; `None` for all shops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop_id: Option<ShopId>,
    /// Where it is.
    pub area: Polygon,
    /// What a delivery into it costs.
    pub fee: Money,
    /// Order value below which nothing is delivered there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Money>,
    /// Who delivers there; empty: everybody.
    pub pool: Vec<DriverId>,
    /// Of several zones that contain a place, the one with the highest rank counts.
    pub rank: i16,
}

impl ZoneFacts {
    /// For documentation and tests.
    #[expect(clippy::expect_used, reason = "four corners in the source")]
    pub fn example() -> Self {
        let corners = [(60.15, 24.90), (60.15, 24.98), (60.19, 24.98), (60.19, 24.90)];
        let corners = corners.into_iter().filter_map(|(lat, lon)| Position::new(lat, lon).ok());
        Self {
            name: "Centre".to_owned(),
            shop_id: None,
            area: Polygon::new(corners.collect()).expect("an area"),
            fee: Money::new(390, eur()),
            minimum: Some(Money::new(1_500, eur())),
            pool: Vec::new(),
            rank: 0,
        }
    }
}

/// A zone exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneCreated {
    /// The zone.
    pub zone_id: ZoneId,
    /// What it is.
    pub facts: ZoneFacts,
}

impl Event for ZoneCreated {
    const SUBJECT: &'static str = "zone.created.v1";
    const WHEN: &'static str = "A delivery zone was added.";
    fn example() -> Self {
        Self { zone_id: ZoneId::new(Uuid::from_u128(11)), facts: ZoneFacts::example() }
    }
}

/// A zone changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneUpdated {
    /// The zone.
    pub zone_id: ZoneId,
    /// What it is now.
    pub facts: ZoneFacts,
}

impl Event for ZoneUpdated {
    const SUBJECT: &'static str = "zone.updated.v1";
    const WHEN: &'static str = "A delivery zone changed.";
    fn example() -> Self {
        Self { zone_id: ZoneId::new(Uuid::from_u128(11)), facts: ZoneFacts::example() }
    }
}

/// A zone is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneDeleted {
    /// The zone.
    pub zone_id: ZoneId,
}

impl Event for ZoneDeleted {
    const SUBJECT: &'static str = "zone.deleted.v1";
    const WHEN: &'static str = "A delivery zone was removed.";
    fn example() -> Self {
        Self { zone_id: ZoneId::new(Uuid::from_u128(11)) }
    }
}
