//! A package as the API shows it: to those who work with it, and to anybody.

use kernel::ids::{OrderId, PackageId, ScanId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use serde::Serialize;
use utoipa::ToSchema;

use crate::entities::{Package, Scan};
use crate::http::orders::view::OrderPosition;
use crate::queries::packages::Found;

/// A package.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PackageView {
    /// Identifier.
    #[schema(schema_with = type_id::<PackageId>)]
    id: PackageId,
    /// Its order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// For `If-Match`.
    #[schema(example = 1)]
    version: i64,
    /// What people type to find it.
    #[schema(example = "P7KQ2M9XTB4HPJ")]
    tracking_number: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Two loaves of rye bread")]
    description: Option<String>,
    /// A code that somebody else printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "6414893386488")]
    barcode: Option<String>,
    /// Grams.
    #[schema(example = 1200)]
    weight_g: u32,
    /// Millilitres.
    #[schema(example = 9000)]
    volume_ml: u32,
    /// Pieces.
    #[schema(example = 1)]
    count: u32,
    /// Where it stands: `pending`, `picked_up`, `in_transit`, `out_for_delivery`, `delivered`, `delivery_failed`, `return_to_sender`,
    /// `returned`, `on_hold`, `cancelled`.
    #[schema(example = "pending")]
    status: &'static str,
    /// When it last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<&Package> for PackageView {
    fn from(package: &Package) -> Self {
        Self {
            id: package.id,
            order_id: package.order_id,
            version: package.version,
            tracking_number: package.tracking_number.clone(),
            description: package.description.clone(),
            barcode: package.barcode.clone(),
            weight_g: package.load.weight_g,
            volume_ml: package.load.volume_ml,
            count: package.load.count,
            status: package.status.as_str(),
            updated_at: package.updated_at,
        }
    }
}

/// Something that was reported of a package.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PackageScan {
    /// Identifier; for those who work with the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ScanId>)]
    id: Option<ScanId>,
    /// What was reported.
    #[schema(example = "picked_up")]
    status: String,
    /// When, by the clock of the device.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Timestamp,
    /// When it was recorded; for those who work with the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:01Z")]
    recorded_at: Option<Timestamp>,
    /// Where; for those who work with the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<OrderPosition>,
    /// Who reported it; for those who work with the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "system")]
    by: Option<String>,
    /// What was said; for those who work with the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "The corner is dented.")]
    note: Option<String>,
}

impl PackageScan {
    /// Everything.
    pub(super) fn full(scan: &Scan) -> Self {
        Self {
            id: Some(scan.id),
            recorded_at: Some(scan.recorded_at),
            position: scan.position.map(OrderPosition::from),
            by: Some(scan.by.clone()),
            note: scan.note.as_ref().map(|note| note.reveal().to_owned()),
            ..Self::reduced(scan)
        }
    }

    /// What says nothing about people.
    fn reduced(scan: &Scan) -> Self {
        Self {
            id: None,
            status: scan.status.clone(),
            at: scan.at,
            recorded_at: None,
            position: None,
            by: None,
            note: None,
        }
    }
}

/// What is known of a package: everything for those who work with it; status, times and city for anybody.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PackageFollowed {
    /// What was looked for.
    #[schema(example = "P7KQ2M9XTB4HPJ")]
    tracking_number: String,
    /// Where it stands.
    #[schema(example = "in_transit")]
    status: &'static str,
    /// Where it goes.
    #[schema(example = "Helsinki")]
    city: String,
    /// What was reported, oldest first; the first hundred.
    history: Vec<PackageScan>,
    /// The package; for those who work with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<PackageView>,
}

impl From<&Found> for PackageFollowed {
    fn from(found: &Found) -> Self {
        let scan = if found.full { PackageScan::full } else { PackageScan::reduced };
        Self {
            tracking_number: found.package.tracking_number.clone(),
            status: found.package.status.as_str(),
            city: found.order.dropoff.place.city.clone(),
            history: found.scans.iter().map(scan).collect(),
            package: found.full.then(|| (&found.package).into()),
        }
    }
}
