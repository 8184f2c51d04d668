//! A zone as the API shows it.

use kernel::geo::Position;
use kernel::ids::{DriverId, ShopId, ZoneId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id, type_id_pattern};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

use crate::entities::Zone;

/// The most drivers of a pool.
pub(super) const MAX_POOL: usize = 500;

/// A corner of an area, in degrees (WGS 84).
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({ "lat": 60.15, "lon": 24.90 }))]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::geo::Position`")]
pub(crate) struct ZoneCorner {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    lon: f64,
}

/// The schema of a pool of drivers.
pub(super) fn pool() -> Array {
    let driver = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(type_id_pattern("driver")))
        .examples([serde_json::json!("driver_01h455vb4pex5vsknk084sn02q")])
        .build();
    ArrayBuilder::new().items(driver).max_items(Some(MAX_POOL)).build()
}

/// Where a shop delivers, and for what fee.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ZoneView {
    /// Identifier.
    #[schema(schema_with = type_id::<ZoneId>)]
    id: ZoneId,
    /// The version, as in the `ETag`.
    #[schema(example = 1)]
    version: i64,
    /// Its name.
    #[schema(example = "Centre")]
    name: String,
    /// Whose; absent: of all shops.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// Its corners in order, the first not repeated.
    #[schema(value_type = Vec<ZoneCorner>)]
    area: Vec<Position>,
    /// What a delivery costs, in minor units.
    #[schema(example = 390)]
    fee_minor: i64,
    /// The least value of an order, in minor units; absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1500)]
    minimum_minor: Option<i64>,
    /// ISO 4217, of both.
    #[schema(example = "EUR")]
    currency: String,
    /// The drivers of the zone; empty: everybody.
    #[schema(schema_with = pool)]
    pool: Vec<DriverId>,
    /// Where zones overlap, the highest counts.
    #[schema(example = 0)]
    rank: i16,
    /// When it was added.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<Zone> for ZoneView {
    fn from(zone: Zone) -> Self {
        let details = zone.details;
        Self {
            id: zone.id,
            version: zone.version,
            name: details.name,
            shop_id: details.shop_id,
            area: details.area.corners().to_vec(),
            fee_minor: details.fee_minor,
            minimum_minor: details.minimum_minor,
            currency: details.currency.to_string(),
            pool: details.pool,
            rank: details.rank,
            created_at: zone.created_at,
            updated_at: zone.updated_at,
        }
    }
}
