//! `POST /api/v1/organizations`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::call::Command;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::Organization;
use crate::commands::organizations as command;
use crate::context::Identity;
use crate::http::text;
use crate::store::organizations::Details;

/// A new organisation.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada's Bakery", "time_zone": "Europe/Berlin", "currency": "EUR" }))]
pub(crate) struct NewOrganization {
    /// Name of the business.
    #[garde(length(chars, min = 1, max = 200), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// IANA time zone.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    time_zone: String,
    /// ISO 4217.
    #[garde(pattern("^[A-Z]{3}$"))]
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// Creates an organisation; the operator who does so becomes its owner.
#[utoipa::path(
    post, path = "/api/v1/organizations", operation_id = "create_organization", tag = "organizations",
    request_body = NewOrganization,
    responses((status = 201, description = "Created.", body = Organization))
)]
pub(crate) async fn create_organization(
    State(identity): State<Identity>,
    request: Command<NewOrganization>,
) -> Result<Answer> {
    let user = request.principal.user()?;
    let body = request.body;
    let details =
        Details { name: body.name.trim().to_owned(), time_zone: body.time_zone, currency: body.currency };
    request
        .call
        .run(identity.db(), move |tx| {
            let details = details.clone();
            Box::pin(async move {
                let made = command::create(tx, &details, user, "create_organization").await?;
                let (id, version) = (made.id, made.version);
                let answer = Answer::json(201, &Organization::from(made))?;
                Ok(answer.with_header("location", format!("/api/v1/organizations/{id}")).versioned(version))
            })
        })
        .await
}
