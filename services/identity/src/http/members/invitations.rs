//! `GET/POST /api/v1/invitations`, `DELETE /api/v1/invitations/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{InvitationId, UserId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::{Action, Command, Reader};
use platform::http::openapi::type_id;
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::idempotency::Answer;
use platform::qr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::MemberRole;
use crate::commands::invitations as command;
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::entities;
use crate::http::text;
use crate::store::invitations;

/// Who is invited.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "driver" }))]
pub(crate) struct NewInvitation {
    /// As what.
    #[garde(skip)]
    #[schema(inline)]
    role: MemberRole,
    /// Where the link is sent; without it, hand the link or the QR code over yourself.
    #[garde(inner(pattern(text::EMAIL)))]
    #[schema(pattern = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$")]
    email: Option<String>,
}

/// An invitation that can still be accepted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// Identifier.
    #[schema(schema_with = type_id::<InvitationId>)]
    id: InvitationId,
    /// As what.
    #[schema(example = "driver")]
    role: &'static str,
    /// Where the link was sent, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "grace@example.org")]
    email: Option<String>,
    /// Who invited.
    #[schema(schema_with = type_id::<UserId>)]
    invited_by: UserId,
    /// When.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// Until when it can be accepted.
    #[schema(example = "2026-11-27T12:00:00Z")]
    expires_at: Timestamp,
}

impl From<entities::Invitation> for Invitation {
    fn from(invitation: entities::Invitation) -> Self {
        Self {
            id: invitation.id,
            role: invitation.role.as_str(),
            email: invitation.email.map(|email| email.reveal().to_owned()),
            invited_by: invitation.invited_by,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

/// A new invitation with its link, shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct InvitationCreated {
    /// The invitation.
    invitation: Invitation,
    /// The page that accepts it.
    #[schema(example = "https://dropmate.example/join/dmi_0123456789abcdefghjkmnpqrstvwxyz")]
    link: String,
    /// The link as a QR code (SVG).
    #[schema(example = "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>")]
    qr_svg: String,
}

/// Lists the invitations that can still be accepted, newest first.
#[utoipa::path(
    get, path = "/api/v1/invitations", operation_id = "list_invitations", tag = "members", params(PageQuery),
    responses((status = 200, description = "A page of invitations.", body = Page<Invitation>))
)]
pub(crate) async fn list_invitations(
    State(identity): State<Identity>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>> {
    let before = page.cursor.as_ref().map(platform::http::pagination::Cursor::key::<Uuid>).transpose()?;
    let mut tx = identity.db().read(&reader.scope).await?;
    let rows = invitations::list(&mut tx, identity.vault(), before, page.limit.fetch()).await?;
    let page = Page::cut(rows, page.limit, |invitation| invitation.id.uuid())?;
    Ok(Json(page.map(Invitation::from)))
}

/// Invites a member or driver.
///
/// Owners invite anybody; managers invite dispatchers, drivers and customers.
#[utoipa::path(
    post, path = "/api/v1/invitations", operation_id = "create_invitation", tag = "members",
    request_body = NewInvitation,
    responses((status = 201, description = "The link works for seven days, once.", body = InvitationCreated))
)]
pub(crate) async fn create_invitation(
    State(identity): State<Identity>,
    request: Command<NewInvitation>,
) -> Result<Answer> {
    let (actor, by, role) = (request.principal.role, request.principal.user()?, request.body.role.into());
    let email = request.body.email.as_deref().map(Email::parse).transpose()?;
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let (identity, email) = (context.clone(), email.clone());
            Box::pin(async move {
                let (made, link) = command::invite(tx, &identity, actor, by, role, email.as_ref()).await?;
                let location = format!("/api/v1/invitations/{}", made.id);
                let body = InvitationCreated { invitation: made.into(), qr_svg: qr::svg(&link)?, link };
                Ok(Answer::json(201, &body)?.with_header("location", location))
            })
        })
        .await
}

/// Takes an invitation back.
#[utoipa::path(
    delete, path = "/api/v1/invitations/{id}", operation_id = "revoke_invitation", tag = "members",
    params(("id" = String, Path, description = "The invitation.", pattern = "^invite_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "invite_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "Its link does not work any more."))
)]
pub(crate) async fn revoke_invitation(
    State(identity): State<Identity>,
    Path(id): Path<InvitationId>,
    request: Action,
) -> Result<Answer> {
    let (actor, context) = (request.principal.role, identity.clone());
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                command::revoke(tx, &identity, actor, id).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
