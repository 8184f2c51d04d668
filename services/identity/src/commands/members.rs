//! Changing and ending memberships.

use contracts::identity::UserRoleChanged;
use kernel::ids::{MembershipId, SessionId};
use platform::audit::Entry;
use platform::auth::Role;
use platform::db::Tx;
use platform::{Error, Result};

use super::end_sessions;
use crate::domain::membership::{check_grant, check_owner_remains};
use crate::entities::Membership;
use crate::store::memberships;
use crate::store::sessions::EndReason;

/// Gives a member another role. Their tokens name the old one, so their sessions here end.
pub async fn set_role(
    tx: &mut Tx,
    actor: Role,
    id: MembershipId,
    role: Role,
    seen: impl Fn(i64) -> Result<()> + Send,
) -> Result<(Membership, Vec<SessionId>)> {
    let owners = memberships::lock_owners(tx).await?;
    let before = memberships::lock(tx, id).await?.ok_or_else(|| Error::not_found("member"))?;
    seen(before.version)?;
    check_grant(actor, before.role)?;
    check_grant(actor, role)?;
    check_owner_remains(before.role, Some(role), owners)?;
    let (after, locked) = memberships::set_role(tx, &before, role).await?;
    let ended = forget(tx, &before).await?;
    let event = UserRoleChanged {
        user_id: before.user_id,
        from: before.role.as_str().to_owned(),
        to: Some(role.as_str().to_owned()),
    };
    tx.publish(locked, &event)?;
    tx.audit(Entry::new("update_member", "membership", id).before(&before)?.after(&after)?).await?;
    Ok((after, ended))
}

/// Ends a membership and the member's sessions here.
pub async fn remove(tx: &mut Tx, actor: Role, id: MembershipId) -> Result<Vec<SessionId>> {
    let owners = memberships::lock_owners(tx).await?;
    let before = memberships::lock(tx, id).await?.ok_or_else(|| Error::not_found("member"))?;
    check_grant(actor, before.role)?;
    check_owner_remains(before.role, None, owners)?;
    let locked = memberships::end(tx, &before).await?;
    let ended = forget(tx, &before).await?;
    let event = UserRoleChanged { user_id: before.user_id, from: before.role.as_str().to_owned(), to: None };
    tx.publish(locked, &event)?;
    tx.audit(Entry::new("remove_member", "membership", id).before(&before)?).await?;
    Ok(ended)
}

async fn forget(tx: &mut Tx, member: &Membership) -> Result<Vec<SessionId>> {
    let org = tx.org()?;
    end_sessions::end_all(tx, member.user_id, Some(org), EndReason::CutOff, None).await
}
