//! Links to pictures, for those who may see them.

use kernel::ids::{FileId, OrgId, UserId};
use platform::auth::Principal;
use platform::db::{Scope, Tx};
use platform::vault::Subject;
use platform::{Error, Result};

use super::{members, organizations};
use crate::context::Identity;

/// A link to a person's photo.
pub async fn photo(identity: &Identity, principal: &Principal, scope: &Scope, id: UserId) -> Result<String> {
    let photo = members::user(identity, principal, scope, id).await?.photo;
    let mut tx = identity.db().read(scope).await?;
    link(identity, &mut tx, photo, Some(Subject::of_installation(id))).await
}

/// A link to the logo of the caller's organisation.
pub async fn logo(identity: &Identity, scope: &Scope, id: OrgId) -> Result<String> {
    let logo = organizations::one(identity, scope, id).await?.logo;
    let mut tx = identity.db().read(scope).await?;
    link(identity, &mut tx, logo, None).await
}

async fn link(
    identity: &Identity,
    tx: &mut Tx,
    picture: Option<FileId>,
    subject: Option<Subject>,
) -> Result<String> {
    let picture = picture.ok_or_else(|| Error::not_found("picture"))?;
    let token = identity.files().link(tx, picture, subject).await?;
    Ok(identity.link(&format!("/api/v1/files/{}/{token}", crate::NAME)))
}
