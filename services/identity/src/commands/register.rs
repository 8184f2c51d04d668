//! A customer registers by themselves, where the installation allows it.

use contracts::identity::UserCreated;
use kernel::ids::OrgId;
use platform::audit::Entry;
use platform::auth::Role;
use platform::db::{Scope, Tx};
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::guessing::{Source, count_source};
use super::passwords;
use super::tokens::{self, Client, Issued};
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::store::credentials::{self, CredentialKind};
use crate::store::users::{self, NewUser};
use crate::store::{memberships, organizations};

/// Who registers.
#[derive(Debug, Clone)]
pub struct Registration {
    /// With which business.
    pub org: OrgId,
    /// As the person wants to be called.
    pub name: Private,
    /// To sign in with.
    pub email: Email,
    /// To sign in with.
    pub password: Private,
}

/// Creates the account and opens a session.
pub async fn register(
    identity: &Identity,
    scope: &Scope,
    input: Registration,
    client: Client,
    source: &Source,
) -> Result<Issued> {
    if !identity.settings().open_registration {
        return Err(Error::new(
            Kind::Forbidden,
            "registration_closed",
            "Registration is closed. Ask the business for an invitation.",
        ));
    }
    count_source(identity, source).await?;
    passwords::check_length(identity, &input.password)?;
    let about =
        vec![input.name.clone(), input.email.private().clone(), business(identity, scope, input.org).await?];
    passwords::check_strength(identity, &input.password, about).await?;
    let hash = identity.hasher().hash(input.password.clone()).await?;
    let mut tx = identity.db().begin(scope).await?;
    let issued = create(&mut tx, identity, input, &hash, &client).await?;
    tx.commit().await?;
    Ok(issued)
}

/// The name of the business that the person registers with.
async fn business(identity: &Identity, scope: &Scope, org: OrgId) -> Result<Private> {
    let mut tx = identity.db().read(scope).await?;
    tx.enter(org).await?;
    let found = organizations::find(&mut tx).await?.ok_or_else(|| Error::not_found("organization"))?;
    Ok(Private::from(found.name))
}

async fn create(
    tx: &mut Tx,
    identity: &Identity,
    input: Registration,
    hash: &str,
    client: &Client,
) -> Result<Issued> {
    tx.enter(input.org).await?;
    organizations::find(tx).await?.ok_or_else(|| Error::not_found("organization"))?;
    let new = NewUser { name: input.name, email: Some(input.email), phone: None, operator: false };
    let user = users::insert(tx, identity.vault(), new).await?;
    credentials::put(tx, user.id, CredentialKind::Password, hash).await?;
    let (_, locked) = memberships::insert(tx, user.id, Role::Customer).await?;
    tx.publish(locked, &UserCreated { user_id: user.id, role: Role::Customer.as_str().to_owned() })?;
    tx.audit(Entry::new("register", "user", user.id)).await?;
    tokens::open(tx, identity, user.id, Some(input.org), client).await
}
