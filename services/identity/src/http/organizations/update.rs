//! `PATCH /api/v1/organizations/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::OrgId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::Organization;
use crate::commands::organizations::{self as command, Change};
use crate::context::Identity;
use crate::http::text;

/// What changes; what is absent stays. Nothing here can be cleared, so `null` is refused.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada's Bakery & Café" }))]
pub(crate) struct OrganizationChange {
    /// Name of the business.
    #[garde(inner(length(chars, min = 1, max = 200), pattern(text::LINE)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        nullable = false
    )]
    name: Option<String>,
    /// IANA time zone.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 64, nullable = false)]
    time_zone: Option<String>,
    /// ISO 4217.
    #[garde(inner(pattern("^[A-Z]{3}$")))]
    #[serde(default, deserialize_with = "present")]
    #[schema(pattern = "^[A-Z]{3}$", nullable = false)]
    currency: Option<String>,
    /// Whether owners and managers need a second factor. Owners with one of their own decide. Sessions of members without
    /// one may from their next token on, at most 15 minutes later, do nothing but set one up.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    second_factor_required: Option<bool>,
}

/// Changes the caller's organisation, if the caller has seen its present version.
#[utoipa::path(
    patch, path = "/api/v1/organizations/{id}", operation_id = "update_organization", tag = "organizations",
    params(("id" = String, Path, description = "The organisation.", pattern = "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "org_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = OrganizationChange,
    responses((status = 200, description = "As it is now.", body = Organization))
)]
pub(crate) async fn update_organization(
    State(identity): State<Identity>,
    Path(id): Path<OrgId>,
    seen: IfMatch,
    request: Command<OrganizationChange>,
) -> Result<Answer> {
    let by = request.principal.user()?;
    let body = request.body;
    let change = Change {
        name: body.name.map(|name| name.trim().to_owned()),
        time_zone: body.time_zone,
        currency: body.currency,
        second_factor_required: body.second_factor_required,
    };
    request
        .call
        .run(identity.db(), move |tx| {
            let (change, seen) = (change.clone(), seen.clone());
            Box::pin(async move {
                let after = command::update(tx, id, by, change, move |version| seen.check(version)).await?;
                let version = after.version;
                Ok(Answer::json(200, &Organization::from(after))?.versioned(version))
            })
        })
        .await
}
