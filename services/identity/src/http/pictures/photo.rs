//! `PUT/DELETE /api/v1/users/me/photo`, `GET /api/v1/users/{id}/photo`

use axum::extract::State;
use kernel::ids::{FileId, UserId};
use platform::Result;
use platform::files::New;
use platform::http::call::{Action, Reader};
use platform::http::upload::Upload;
use platform::http::{Json, Path};
use platform::idempotency::{Answer, Call};
use platform::vault::Subject;

use super::FIT;
use super::view::PictureLink;
use crate::commands::pictures;
use crate::context::Identity;
use crate::http::users::User;
use crate::queries::pictures as read;

/// Shows this photo of the caller. It is made smaller, and everything but the pixels is left out: place, camera, date.
#[utoipa::path(
    put, path = "/api/v1/users/me/photo", operation_id = "put_my_photo", tag = "users",
    request_body(description = "The picture: JPEG, PNG or WebP, at most 32 million pixels.",
                 content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses((status = 200, description = "The caller as they are now.", body = User))
)]
pub(crate) async fn put_my_photo(State(identity): State<Identity>, request: Upload) -> Result<Answer> {
    let id = request.principal.user()?;
    let content = identity.files().image(request.body, FIT).await?;
    let new = New { purpose: "photo", content, subject: Some(Subject::of_installation(id)) };
    let file = identity.files().upload(identity.db(), &request.call.scope, new).await?;
    show(&identity, request.call, id, Some(file)).await
}

/// Takes the caller's photo back.
#[utoipa::path(
    delete, path = "/api/v1/users/me/photo", operation_id = "delete_my_photo", tag = "users",
    responses((status = 200, description = "The caller as they are now.", body = User),
              (status = 404, description = "There is no photo."))
)]
pub(crate) async fn delete_my_photo(State(identity): State<Identity>, request: Action) -> Result<Answer> {
    let id = request.principal.user()?;
    show(&identity, request.call, id, None).await
}

async fn show(identity: &Identity, call: Call, id: UserId, photo: Option<FileId>) -> Result<Answer> {
    let (context, action) = (identity.clone(), call.operation);
    call.run(identity.db(), move |tx| {
        let identity = context.clone();
        Box::pin(async move {
            let user = pictures::set_photo(tx, &identity, id, photo, action).await?;
            let version = user.version;
            Ok(Answer::json(200, &User::from(user))?.versioned(version))
        })
    })
    .await
}

/// A link to a person's photo: the caller's, or a member's of the caller's organisation.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/photo", operation_id = "get_user_photo", tag = "users",
    params(("id" = String, Path, description = "The person.", pattern = "^user_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "user_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "Where it is.", body = PictureLink),
              (status = 404, description = "No such person, or none with a photo."))
)]
pub(crate) async fn get_user_photo(
    State(identity): State<Identity>,
    Path(id): Path<UserId>,
    reader: Reader,
) -> Result<Json<PictureLink>> {
    let url = read::photo(&identity, &reader.principal, &reader.scope, id).await?;
    Ok(Json(PictureLink::new(url)))
}
