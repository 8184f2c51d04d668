//! A new e-mail address: asked for with the password, confirmed from the new mailbox.

use contracts::identity::UserUpdated;
use kernel::ids::UserId;
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::vault::{Place, Private};
use platform::{Error, Kind, Result};

use super::first_run::expired;
use super::guessing::{Source, count_guess};
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::domain::secret::{Purpose, Secret};
use crate::jobs::send_link::SendLink;
use crate::store::credentials::{self, CredentialKind};
use crate::store::links::{self, LinkPurpose};
use crate::store::{memberships, users};

fn place(user: UserId) -> Place {
    Place::new("identity.one_time_links", "detail", user)
}

/// Sends a link to the new address; the account keeps the old one until it is followed.
pub async fn ask(
    identity: &Identity,
    scope: &Scope,
    user: UserId,
    email: Email,
    password: Private,
    source: &Source,
) -> Result<()> {
    count_guess(identity, &user.to_string(), source).await?;
    let mut tx = identity.db().read(scope).await?;
    let stored = credentials::hash(&mut tx, user, CredentialKind::Password).await?;
    tx.rollback().await?;
    if !identity.hasher().verify(stored, password).await? {
        return Err(Error::new(Kind::Forbidden, "wrong_password", "The present password is not right."));
    }
    let mut tx = identity.db().begin(scope).await?;
    let keys = identity.vault().installation(&mut tx).await?;
    let sealed = keys.seal(place(user), email.private().reveal().as_bytes())?;
    tx.enqueue(&SendLink::email_change(user, &sealed)).await?;
    tx.audit(Entry::new("change_email", "user", user)).await?;
    tx.commit().await
}

/// Confirms the new address.
pub async fn confirm(identity: &Identity, scope: &Scope, token: &str) -> Result<()> {
    let secret = Secret::presented(Purpose::Link, token).ok_or_else(expired)?;
    let mut tx = identity.db().begin(scope).await?;
    let link = links::take(&mut tx, LinkPurpose::EmailChange, &secret).await?.ok_or_else(expired)?;
    let (Some(user), Some(sealed)) = (link.user, link.detail) else {
        return Err(Error::internal("an incomplete link of an e-mail change"));
    };
    let email = open(&mut tx, identity, user, &sealed).await?;
    let person = users::lock(&mut tx, identity.vault(), user).await?.ok_or_else(expired)?;
    let change = users::Change { email: Some(email), ..users::Change::default() };
    let locked = users::update(&mut tx, identity.vault(), &person, &change).await?;
    // Every organisation of the person hears of it; the event belongs to the first, the others ask when they need it.
    if let Some(entrance) = memberships::entrances(&mut tx, user).await?.first() {
        tx.enter(entrance.org).await?;
        tx.publish(locked, &UserUpdated { user_id: user, changed: change.fields() })?;
    }
    tx.audit(Entry::new("confirm_email", "user", user)).await?;
    tx.commit().await
}

/// Opens the sealed new address of a link.
pub async fn open(tx: &mut Tx, identity: &Identity, user: UserId, sealed: &[u8]) -> Result<Email> {
    let keys = identity.vault().installation(tx).await?;
    let text = keys.open(place(user), sealed)?;
    Email::parse(std::str::from_utf8(&text).map_err(Error::internal)?)
}
