//! `GET /api/v1/auth/sessions`, `DELETE /api/v1/auth/sessions/{id}`

use axum::extract::State;
use kernel::ids::{OrgId, SessionId, Uuid};
use platform::Result;
use platform::http::call::{Action, Reader};
use platform::http::openapi::type_id;
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::idempotency::Answer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::end_sessions as command;
use crate::context::Identity;
use crate::entities::Session;
use crate::store::sessions;

/// A device on which the caller is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Identifier.
    #[schema(schema_with = type_id::<SessionId>)]
    id: SessionId,
    /// Browser and system in words.
    #[schema(example = "Firefox on Linux")]
    device: String,
    /// Whether it is the one that asks.
    #[schema(example = true)]
    current: bool,
    /// The organisation that its tokens name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = type_id::<OrgId>)]
    organization_id: Option<OrgId>,
    /// When the person signed in.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: kernel::time::Timestamp,
    /// When it was last refreshed.
    #[schema(example = "2026-11-20T12:00:00Z")]
    last_used_at: kernel::time::Timestamp,
    /// When it ends without a refresh.
    #[schema(example = "2026-12-20T12:00:00Z")]
    expires_at: kernel::time::Timestamp,
}

impl SessionView {
    fn new(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            device: session.device,
            current: session.id == current,
            organization_id: session.org,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}

/// Lists the devices on which the caller is signed in, newest first.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", operation_id = "list_sessions", tag = "authentication", params(PageQuery),
    responses((status = 200, description = "A page of sessions.", body = Page<SessionView>))
)]
pub(crate) async fn list_sessions(
    State(identity): State<Identity>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SessionView>>> {
    let (user, current) = (reader.principal.user()?, reader.principal.session()?);
    let before = page.cursor.as_ref().map(platform::http::pagination::Cursor::key::<Uuid>).transpose()?;
    let mut tx = identity.db().read(&reader.scope).await?;
    let rows = sessions::alive(&mut tx, user, before, page.limit.fetch()).await?;
    let page = Page::cut(rows, page.limit, |session| session.id.uuid())?;
    Ok(Json(page.map(|session| SessionView::new(session, current))))
}

/// Ends one of the caller's sessions.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{id}", operation_id = "revoke_session", tag = "authentication",
    params(("id" = String, Path, description = "The session.", pattern = "^session_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "session_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "Its tokens are refused from now on."))
)]
pub(crate) async fn revoke_session(
    State(identity): State<Identity>,
    Path(id): Path<SessionId>,
    request: Action,
) -> Result<Answer> {
    let user = request.principal.user()?;
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                command::revoke_own(tx, user, id).await?;
                command::known(tx, &identity, &[id]);
                Ok(Answer::empty(204))
            })
        })
        .await
}
