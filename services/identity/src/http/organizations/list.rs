//! `GET /api/v1/organizations`

use axum::extract::State;
use kernel::ids::OrgId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::openapi::type_id;
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Query};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Identity;
use crate::queries::organizations::page_of;

/// An organisation that the caller may enter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrganizationEntry {
    /// Identifier.
    #[schema(schema_with = type_id::<OrgId>)]
    id: OrgId,
    /// Name of the business.
    #[schema(example = "Ada's Bakery")]
    name: String,
    /// As what.
    #[schema(example = "owner")]
    role: &'static str,
}

/// Lists the organisations of which the caller is a member, first joined first.
#[utoipa::path(
    get, path = "/api/v1/organizations", operation_id = "list_organizations", tag = "organizations", params(PageQuery),
    responses((status = 200, description = "A page of organisations.", body = Page<OrganizationEntry>))
)]
pub(crate) async fn list_organizations(
    State(identity): State<Identity>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<OrganizationEntry>>> {
    let user = reader.principal.user()?;
    let page = page_of(&identity, &reader.scope, user, &page).await?;
    Ok(Json(page.map(|entrance| OrganizationEntry {
        id: entrance.org,
        name: entrance.name,
        role: entrance.role.as_str(),
    })))
}
