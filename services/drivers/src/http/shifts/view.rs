//! A shift as the API shows it.

use kernel::ids::{DriverId, ShiftId};
use kernel::time::Timestamp;
use platform::http::openapi::type_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::entities::Shift;

/// A break of a shift.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShiftBreak {
    /// Its begin.
    #[schema(example = "2026-11-20T12:00:00Z")]
    pub from: Timestamp,
    /// Its end.
    #[schema(example = "2026-11-20T12:30:00Z")]
    pub until: Timestamp,
}

/// Planned working time of a driver.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ShiftView {
    /// Identifier.
    #[schema(schema_with = type_id::<ShiftId>)]
    id: ShiftId,
    /// The version, as in the `ETag` of an update.
    #[schema(example = 1)]
    version: i64,
    /// Whose.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// Its begin.
    #[schema(example = "2026-11-20T08:00:00Z")]
    from: Timestamp,
    /// Its end.
    #[schema(example = "2026-11-20T16:00:00Z")]
    until: Timestamp,
    /// Breaks within it, earliest first.
    breaks: Vec<ShiftBreak>,
    /// When it was planned.
    #[schema(example = "2026-11-18T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-18T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<Shift> for ShiftView {
    fn from(shift: Shift) -> Self {
        let details = shift.details;
        Self {
            id: shift.id,
            version: shift.version,
            driver_id: details.driver_id,
            from: details.from,
            until: details.until,
            breaks: details.breaks.into_iter().map(|(from, until)| ShiftBreak { from, until }).collect(),
            created_at: shift.created_at,
            updated_at: shift.updated_at,
        }
    }
}
