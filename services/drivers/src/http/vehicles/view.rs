//! A vehicle as the API shows it.

use kernel::ids::VehicleId;
use kernel::load::Capacity;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::http::openapi::type_id;
use serde::Serialize;
use utoipa::ToSchema;

use crate::entities::Vehicle;

/// How a vehicle moves.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "snake_case", example = "bicycle")]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::travel::Profile`")]
pub(crate) enum VehicleType {
    /// Car or van.
    Car,
    /// Motorcycle or moped.
    Motorcycle,
    /// Bicycle.
    Bicycle,
    /// Cargo bicycle.
    CargoBike,
    /// On foot, with a bag or a cart.
    Foot,
}

/// What a vehicle carries. A measure that is absent does not limit.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({ "weight_g": 15000, "volume_ml": 60000 }))]
#[expect(dead_code, reason = "only its schema is used: the values are `kernel::load::Capacity`")]
pub(crate) struct VehicleCapacity {
    /// Grams.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    weight_g: Option<u32>,
    /// Millilitres.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    volume_ml: Option<u32>,
    /// Pieces.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    count: Option<u32>,
}

/// A vehicle.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VehicleView {
    /// Identifier.
    #[schema(schema_with = type_id::<VehicleId>)]
    id: VehicleId,
    /// The version, as in the `ETag`.
    #[schema(example = 1)]
    version: i64,
    /// How it moves.
    #[serde(rename = "type")]
    #[schema(value_type = VehicleType)]
    profile: Profile,
    /// What it looks like; customers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "red cargo bike")]
    description: Option<String>,
    /// Licence plate; customers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ABC-123")]
    plate: Option<String>,
    /// What it carries.
    #[schema(value_type = VehicleCapacity)]
    capacity: Capacity,
    /// When it was added.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<Vehicle> for VehicleView {
    fn from(vehicle: Vehicle) -> Self {
        let details = vehicle.details;
        Self {
            id: vehicle.id,
            version: vehicle.version,
            profile: details.profile,
            description: details.description,
            plate: details.plate,
            capacity: details.capacity,
            created_at: vehicle.created_at,
            updated_at: vehicle.updated_at,
        }
    }
}
