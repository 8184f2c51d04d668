//! A forgotten password: a link by e-mail, or one that the operator makes on the machine (`dropmate user reset`).

use platform::audit::Entry;
use platform::db::Scope;
use platform::vault::Private;
use platform::{Error, Result};

use super::first_run::expired;
use super::guessing::{Source, account_name, count_source, may_write_to};
use super::{end_sessions, passwords, totp};
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::domain::secret::{Purpose, Secret};
use crate::jobs::send_link::SendLink;
use crate::store::credentials::{self, CredentialKind};
use crate::store::links::{self, LinkPurpose};
use crate::store::sessions::EndReason;
use crate::store::users;

/// Sends a link if there is such a person. The caller learns nothing either way.
pub async fn forgot(identity: &Identity, scope: &Scope, email: &Email, source: &Source) -> Result<()> {
    count_source(identity, source).await?;
    let mut tx = identity.db().begin(scope).await?;
    let account = account_name(&mut tx, identity, email.private()).await?;
    let user = users::id_by_email(&mut tx, identity.vault(), email).await?;
    let free = may_write_to(identity, &account).await?;
    if let Some(user) = user.filter(|_| free) {
        tx.enqueue(&SendLink::password_reset(user)).await?;
        tx.audit(Entry::new("forgot_password", "user", user)).await?;
    }
    tx.commit().await
}

/// A link for somebody, made by the operator on the machine; `None` when there is no such person. With `second_factor`
/// the person's app and recovery codes are removed as well: the only way besides the codes, so that nobody who runs an
/// organisation can take another's second factor away.
pub async fn operator_link(
    identity: &Identity,
    email: &Email,
    second_factor: bool,
) -> Result<Option<String>> {
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    let Some(user) = users::id_by_email(&mut tx, identity.vault(), email).await? else { return Ok(None) };
    let secret = Secret::draw(Purpose::Link, tx.random());
    links::replace(&mut tx, LinkPurpose::PasswordReset, Some(user), &secret, None).await?;
    tx.audit(Entry::new("user.reset", "user", user)).await?;
    if second_factor {
        totp::remove_all(&mut tx, user).await?;
    }
    tx.commit().await?;
    Ok(Some(identity.link(&format!("/reset/{}", secret.text()))))
}

/// Sets a new password with a link and ends every session.
pub async fn reset(identity: &Identity, scope: &Scope, token: &str, password: Private) -> Result<()> {
    passwords::check_length(identity, &password)?;
    let secret = Secret::presented(Purpose::Link, token).ok_or_else(expired)?;
    let mut tx = identity.db().begin(scope).await?;
    let user = links::holder(&mut tx, LinkPurpose::PasswordReset, &secret).await?.ok_or_else(expired)?;
    let about = passwords::about(&mut tx, identity, user).await?;
    tx.rollback().await?;
    passwords::check_strength(identity, &password, about).await?;
    let hash = identity.hasher().hash(password).await?;
    let mut tx = identity.db().begin(scope).await?;
    let link = links::take(&mut tx, LinkPurpose::PasswordReset, &secret).await?.ok_or_else(expired)?;
    let user = link.user.ok_or_else(|| Error::internal("a reset link without a person"))?;
    credentials::put(&mut tx, user, CredentialKind::Password, &hash).await?;
    let ended = end_sessions::end_all(&mut tx, user, None, EndReason::Password, None).await?;
    tx.audit(Entry::new("reset_password", "user", user)).await?;
    end_sessions::known(&mut tx, identity, &ended);
    tx.commit().await
}
