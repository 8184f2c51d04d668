//! Organisations as their members see them.

use kernel::ids::{OrgId, UserId, Uuid};
use platform::db::Scope;
use platform::http::pagination::{Page, PageQuery};
use platform::{Error, Result};

use crate::context::Identity;
use crate::entities::{Entrance, Organization};
use crate::store::{memberships, organizations};

/// A page of the organisations that a person may enter. A person has few: they are cut here, not in the database.
pub async fn page_of(
    identity: &Identity,
    scope: &Scope,
    user: UserId,
    page: &PageQuery,
) -> Result<Page<Entrance>> {
    let after = page.cursor.as_ref().map(platform::http::pagination::Cursor::key::<Uuid>).transpose()?;
    let mut tx = identity.db().read(scope).await?;
    let mut entrances = memberships::entrances(&mut tx, user).await?;
    entrances.sort_by_key(|entrance| entrance.org);
    entrances.retain(|entrance| after.is_none_or(|after| entrance.org.uuid() > after));
    Page::cut(entrances, page.limit, |entrance| entrance.org.uuid())
}

/// The caller's organisation; any other is not there.
pub async fn one(identity: &Identity, scope: &Scope, id: OrgId) -> Result<Organization> {
    if scope.org != Some(id) {
        return Err(Error::not_found("organization"));
    }
    let mut tx = identity.db().read(scope).await?;
    organizations::find(&mut tx).await?.ok_or_else(|| Error::not_found("organization"))
}
