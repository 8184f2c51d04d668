//! People change their own name. A number is proved by an invitation, an address by a link (`docs/adr/0026`).

use contracts::identity::UserUpdated;
use kernel::ids::UserId;
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Result};

use crate::context::Identity;
use crate::entities::User;
use crate::store::users::{self, Change};

/// Changes the caller's own account, if the caller has seen its present version.
pub async fn update_me(
    tx: &mut Tx,
    identity: &Identity,
    id: UserId,
    change: Change,
    seen: impl Fn(i64) -> Result<()> + Send,
) -> Result<User> {
    let before = users::lock(tx, identity.vault(), id).await?.ok_or_else(|| Error::not_found("user"))?;
    seen(before.version)?;
    let fields = change.fields();
    if !fields.is_empty() {
        let locked = users::update(tx, identity.vault(), &before, &change).await?;
        if tx.scope().org.is_some() {
            tx.publish(locked, &UserUpdated { user_id: id, changed: fields.clone() })?;
        }
    }
    tx.audit(Entry::new("update_me", "user", id).detail(serde_json::json!({ "changed": fields }))).await?;
    users::find(tx, identity.vault(), id).await?.ok_or_else(|| Error::not_found("user"))
}
