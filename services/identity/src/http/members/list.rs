//! `GET /api/v1/members`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{Member, MemberRole};
use crate::context::Identity;
use crate::queries::members;

/// Which members.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemberQuery {
    /// Only those with this role.
    #[garde(skip)]
    #[param(inline, example = "driver")]
    role: Option<MemberRole>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "IjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCI"
    )]
    cursor: Option<Cursor>,
}

/// Lists the members of the caller's organisation, oldest first.
#[utoipa::path(
    get, path = "/api/v1/members", operation_id = "list_members", tag = "members", params(MemberQuery),
    responses((status = 200, description = "A page of members.", body = Page<Member>))
)]
pub(crate) async fn list_members(
    State(identity): State<Identity>,
    reader: Reader,
    Query(query): Query<MemberQuery>,
) -> Result<Json<Page<Member>>> {
    let role = query.role.map(platform::auth::Role::from);
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = members::page(&identity, &reader.scope, role, &page).await?;
    Ok(Json(page.map(|(membership, user)| Member::new(&membership, user))))
}
