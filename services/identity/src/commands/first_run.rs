//! First run: a one-time link makes its visitor the owner of the first organisation and the operator of the
//! installation. A fresh link is printed at each start while no owner exists; older ones stop working.

use platform::db::{Scope, Tx};
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::tokens::{self, Client, Issued};
use super::{organizations, passwords};
use crate::context::Identity;
use crate::domain::contact::Email;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::Organization;
use crate::store::credentials::{self, CredentialKind};
use crate::store::links::{self, LinkPurpose};
use crate::store::organizations as store;
use crate::store::organizations::Details;
use crate::store::users::{self, NewUser};

/// What the first page asks for.
#[derive(Debug, Clone)]
pub struct FirstRun {
    /// The secret of the link.
    pub token: String,
    /// The organisation.
    pub organization: Details,
    /// The owner's name.
    pub name: Private,
    /// The owner's address.
    pub email: Email,
    /// The owner's password.
    pub password: Private,
}

/// A link is not there, was used, or is too old.
pub fn expired() -> Error {
    Error::new(Kind::NotFound, "link_expired", "This link has expired or was used. Ask for a new one.")
}

/// A fresh link while no owner exists; `None` once there is one.
pub async fn owner_link(identity: &Identity) -> Result<Option<String>> {
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    if store::any_owner(&mut tx).await? {
        return Ok(None);
    }
    let secret = Secret::draw(Purpose::Link, tx.random());
    links::replace(&mut tx, LinkPurpose::FirstRun, None, &secret, None).await?;
    tx.commit().await?;
    Ok(Some(identity.link(&format!("/setup/{}", secret.text()))))
}

/// Whether a link still works, for the page behind it.
pub async fn link_works(identity: &Identity, token: &str) -> Result<bool> {
    let Some(secret) = Secret::presented(Purpose::Link, token) else { return Ok(false) };
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    let works = links::peek(&mut tx, LinkPurpose::FirstRun, &secret).await?;
    Ok(works && !store::any_owner(&mut tx).await?)
}

/// Creates the organisation, its owner and a session.
pub async fn first_run(
    identity: &Identity,
    scope: &Scope,
    input: FirstRun,
    client: Client,
) -> Result<(Organization, Issued)> {
    organizations::check(&input.organization)?;
    passwords::check_length(identity, &input.password)?;
    let secret = Secret::presented(Purpose::Link, &input.token).ok_or_else(expired)?;
    if !link_works(identity, &input.token).await? {
        return Err(expired());
    }
    let about = vec![
        input.name.clone(),
        input.email.private().clone(),
        Private::from(input.organization.name.clone()),
    ];
    passwords::check_strength(identity, &input.password, about).await?;
    let hash = identity.hasher().hash(input.password.clone()).await?;
    let mut tx = identity.db().begin(scope).await?;
    let created = create(&mut tx, identity, &secret, input, &hash, &client).await?;
    tx.commit().await?;
    Ok(created)
}

async fn create(
    tx: &mut Tx,
    identity: &Identity,
    secret: &Secret,
    input: FirstRun,
    hash: &str,
    client: &Client,
) -> Result<(Organization, Issued)> {
    // Using the link up locks its row: of two visitors one is the owner.
    links::take(tx, LinkPurpose::FirstRun, secret).await?.ok_or_else(expired)?;
    if store::any_owner(tx).await? {
        return Err(expired());
    }
    let new = NewUser { name: input.name, email: Some(input.email), phone: None, operator: true };
    let user = users::insert(tx, identity.vault(), new).await?;
    credentials::put(tx, user.id, CredentialKind::Password, hash).await?;
    let organization = organizations::create(tx, &input.organization, user.id, "first_run").await?;
    let issued = tokens::open(tx, identity, user.id, Some(organization.id), client).await?;
    Ok((organization, issued))
}
