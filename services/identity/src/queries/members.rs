//! Members with their names, and single users.

use kernel::ids::{UserId, Uuid};
use platform::auth::{Principal, Role};
use platform::db::Scope;
use platform::http::pagination::{Page, PageQuery};
use platform::{Error, Result};

use crate::context::Identity;
use crate::entities::{Membership, User};
use crate::store::{memberships, users};

/// A page of members, oldest first. A person who was erased has no name any more.
pub async fn page(
    identity: &Identity,
    scope: &Scope,
    role: Option<Role>,
    page: &PageQuery,
) -> Result<Page<(Membership, Option<User>)>> {
    let after = page.cursor.as_ref().map(platform::http::pagination::Cursor::key::<Uuid>).transpose()?;
    let mut tx = identity.db().read(scope).await?;
    let rows = memberships::list(&mut tx, role, after, page.limit.fetch()).await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let user = users::find(&mut tx, identity.vault(), row.user_id).await?;
        members.push((row, user));
    }
    Page::cut(members, page.limit, |(member, _)| member.id.uuid())
}

/// One user: the caller, or a member of the caller's organisation when the caller works there.
pub async fn user(identity: &Identity, principal: &Principal, scope: &Scope, id: UserId) -> Result<User> {
    let mut tx = identity.db().read(scope).await?;
    let own = principal.user().is_ok_and(|caller| caller == id);
    if !own {
        let sees_others =
            matches!(principal.role, Role::Owner | Role::Manager | Role::Dispatcher | Role::Service);
        let member = sees_others && scope.org.is_some() && memberships::of_user(&mut tx, id).await?.is_some();
        if !member {
            return Err(Error::not_found("user"));
        }
    }
    users::find(&mut tx, identity.vault(), id).await?.ok_or_else(|| Error::not_found("user"))
}
