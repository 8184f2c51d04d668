//! Which picture of a person or an organisation is shown.
//!
//! The file was uploaded before; keeping it, naming it and taking back the one before commit together.

use contracts::identity::UserUpdated;
use kernel::ids::{FileId, OrgId, UserId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Result};

use crate::context::Identity;
use crate::entities::{Organization, User};
use crate::store::{organizations, users};

/// Shows another photo of the caller, or none. 404 when there is none to take back.
pub async fn set_photo(
    tx: &mut Tx,
    identity: &Identity,
    id: UserId,
    photo: Option<FileId>,
    action: &'static str,
) -> Result<User> {
    let before = users::lock(tx, identity.vault(), id).await?.ok_or_else(|| Error::not_found("user"))?;
    replace(tx, identity, before.photo, photo).await?;
    let locked = users::set_photo(tx, id, photo).await?;
    if tx.scope().org.is_some() {
        tx.publish(locked, &UserUpdated { user_id: id, changed: vec!["photo".to_owned()] })?;
    }
    let detail = serde_json::json!({ "before": before.photo, "after": photo });
    tx.audit(Entry::new(action, "user", id).detail(detail)).await?;
    Ok(User { photo, version: locked.version(), ..before })
}

/// Shows another logo of the caller's organisation, or none. 404 when there is none to take back.
pub async fn set_logo(
    tx: &mut Tx,
    identity: &Identity,
    id: OrgId,
    logo: Option<FileId>,
    action: &'static str,
) -> Result<Organization> {
    if tx.org()? != id {
        return Err(Error::not_found("organization"));
    }
    let before = organizations::lock(tx).await?.ok_or_else(|| Error::not_found("organization"))?;
    replace(tx, identity, before.logo, logo).await?;
    let after = organizations::set_logo(tx, &before, logo).await?;
    tx.audit(Entry::new(action, "organization", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

async fn replace(
    tx: &mut Tx,
    identity: &Identity,
    before: Option<FileId>,
    after: Option<FileId>,
) -> Result<()> {
    if before.is_none() && after.is_none() {
        return Err(Error::not_found("picture"));
    }
    if let Some(after) = after {
        identity.files().keep(tx, after).await?;
    }
    if let Some(before) = before {
        identity.files().remove(tx, before).await?;
    }
    Ok(())
}
