//! An organisation as the API shows it.

use kernel::ids::{FileId, OrgId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use serde::Serialize;
use utoipa::ToSchema;

use crate::entities;

/// A business that runs its deliveries here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Organization {
    /// Identifier.
    #[schema(schema_with = type_id::<OrgId>)]
    id: OrgId,
    /// Name of the business.
    #[schema(example = "Ada's Bakery")]
    name: String,
    /// IANA time zone.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// Whether owners and managers need a second factor.
    #[schema(example = false)]
    second_factor_required: bool,
    /// The logo, if there is one. Another logo has another identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<FileId>)]
    logo: Option<FileId>,
    /// When it was created.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<entities::Organization> for Organization {
    fn from(organization: entities::Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            time_zone: organization.time_zone,
            currency: organization.currency,
            second_factor_required: organization.second_factor_required,
            logo: organization.logo,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}
