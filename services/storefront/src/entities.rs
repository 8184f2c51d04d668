//! The things of storefront as commands and queries see them.

use contracts::storefront::{ShopFacts, ZoneFacts};
use kernel::geo::{Polygon, Position};
use kernel::ids::{DriverId, QuoteId, ShopId, ZoneId};
use kernel::money::{Currency, Money};
use kernel::time::Timestamp;
use serde::Serialize;

use crate::domain::eta::Window;
use crate::domain::hours::OpeningHours;

/// What people state about a shop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShopDetails {
    /// Its name.
    pub name: String,
    /// One to three capital letters before its order numbers.
    pub number_prefix: String,
    /// With the house number.
    pub street: String,
    /// Postcode.
    pub postcode: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Where.
    pub position: Option<Position>,
    /// E.164.
    pub phone: Option<String>,
    /// IANA.
    pub time_zone: String,
    /// Of its prices.
    pub currency: Currency,
    /// `None`: always open.
    pub opening_hours: Option<OpeningHours>,
    /// Until an order is ready.
    pub preparation_minutes: u16,
    /// Picking it up.
    pub service_minutes: u16,
}

/// Where orders come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shop {
    /// Identifier.
    pub id: ShopId,
    /// Version, for ETags and events.
    pub version: i64,
    /// What it is.
    pub details: ShopDetails,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl Shop {
    /// What others need to know.
    pub fn facts(&self) -> ShopFacts {
        let details = self.details.clone();
        ShopFacts {
            name: details.name,
            number_prefix: details.number_prefix,
            street: details.street,
            postcode: details.postcode,
            city: details.city,
            position: details.position,
            phone: details.phone,
            time_zone: details.time_zone,
            currency: details.currency,
            preparation_s: u32::from(details.preparation_minutes) * 60,
            service_s: u32::from(details.service_minutes) * 60,
        }
    }
}

/// What people state about a zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZoneDetails {
    /// Its name.
    pub name: String,
    /// Whose; `None`: of all shops.
    pub shop_id: Option<ShopId>,
    /// Where.
    pub area: Polygon,
    /// For one delivery.
    pub fee_minor: i64,
    /// The least value of an order.
    pub minimum_minor: Option<i64>,
    /// Of both.
    pub currency: Currency,
    /// The drivers of the zone; empty: everybody.
    pub pool: Vec<DriverId>,
    /// Where zones overlap, the highest counts.
    pub rank: i16,
}

/// Where a shop delivers, and for what fee.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Zone {
    /// Identifier.
    pub id: ZoneId,
    /// Version, for ETags and events.
    pub version: i64,
    /// What it is.
    pub details: ZoneDetails,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl Zone {
    /// What others need to know.
    pub fn facts(&self) -> ZoneFacts {
        let details = self.details.clone();
        ZoneFacts {
            name: details.name,
            shop_id: details.shop_id,
            area: details.area,
            fee: Money::new(details.fee_minor, details.currency),
            minimum: details.minimum_minor.map(|minimum| Money::new(minimum, details.currency)),
            pool: details.pool,
            rank: details.rank,
        }
    }
}

/// What one delivery costs and when it arrives, for as long as it is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Identifier.
    pub id: QuoteId,
    /// From which shop.
    pub shop_id: Option<ShopId>,
    /// In which zone, with its name; `None`: the organisation has no zones.
    pub zone: Option<(ZoneId, String)>,
    /// From here.
    pub pickup: Position,
    /// To there.
    pub dropoff: Position,
    /// What the order is worth.
    pub value_minor: Option<i64>,
    /// What the delivery costs; `None` without zones.
    pub fee: Option<Money>,
    /// When it arrives.
    pub window: Window,
    /// Who knew the way.
    pub source: String,
    /// The way.
    pub distance_m: u32,
    /// The way.
    pub duration_s: u32,
    /// Until when the fee holds.
    pub valid_until: Timestamp,
}
