//! `GET/PUT/DELETE /api/v1/organizations/{id}/logo`

use axum::extract::State;
use kernel::ids::{FileId, OrgId};
use platform::files::New;
use platform::http::call::{Action, Reader};
use platform::http::upload::Upload;
use platform::http::{Json, Path};
use platform::idempotency::{Answer, Call};
use platform::{Error, Result};

use super::FIT;
use super::view::PictureLink;
use crate::commands::pictures;
use crate::context::Identity;
use crate::http::organizations::Organization;
use crate::queries::pictures as read;

/// Shows this logo of the caller's organisation. It is made smaller; transparency stays.
#[utoipa::path(
    put, path = "/api/v1/organizations/{id}/logo", operation_id = "put_organization_logo", tag = "organizations",
    params(("id" = String, Path, description = "The organisation.", pattern = "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "org_01h455vb4pex5vsknk084sn02q")),
    request_body(description = "The picture: JPEG, PNG or WebP, at most 32 million pixels.",
                 content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses((status = 200, description = "The organisation as it is now.", body = Organization))
)]
pub(crate) async fn put_organization_logo(
    State(identity): State<Identity>,
    Path(id): Path<OrgId>,
    request: Upload,
) -> Result<Answer> {
    // Before the work: another organisation's is not there.
    if request.call.scope.org != Some(id) {
        return Err(Error::not_found("organization"));
    }
    let content = identity.files().image(request.body, FIT).await?;
    let new = New { purpose: "logo", content, subject: None };
    let file = identity.files().upload(identity.db(), &request.call.scope, new).await?;
    show(&identity, request.call, id, Some(file)).await
}

/// Takes the logo of the caller's organisation back.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{id}/logo", operation_id = "delete_organization_logo", tag = "organizations",
    params(("id" = String, Path, description = "The organisation.", pattern = "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "org_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The organisation as it is now.", body = Organization),
              (status = 404, description = "No such organisation, or there is no logo."))
)]
pub(crate) async fn delete_organization_logo(
    State(identity): State<Identity>,
    Path(id): Path<OrgId>,
    request: Action,
) -> Result<Answer> {
    show(&identity, request.call, id, None).await
}

async fn show(identity: &Identity, call: Call, id: OrgId, logo: Option<FileId>) -> Result<Answer> {
    let (context, action) = (identity.clone(), call.operation);
    call.run(identity.db(), move |tx| {
        let identity = context.clone();
        Box::pin(async move {
            let organization = pictures::set_logo(tx, &identity, id, logo, action).await?;
            let version = organization.version;
            Ok(Answer::json(200, &Organization::from(organization))?.versioned(version))
        })
    })
    .await
}

/// A link to the logo of the caller's organisation.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/logo", operation_id = "get_organization_logo", tag = "organizations",
    params(("id" = String, Path, description = "The organisation.", pattern = "^org_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "org_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "Where it is.", body = PictureLink),
              (status = 404, description = "No such organisation, or none with a logo."))
)]
pub(crate) async fn get_organization_logo(
    State(identity): State<Identity>,
    Path(id): Path<OrgId>,
    reader: Reader,
) -> Result<Json<PictureLink>> {
    Ok(Json(PictureLink::new(read::logo(&identity, &reader.scope, id).await?)))
}
