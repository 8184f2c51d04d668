//! Operations for other services of the installation.

use contracts::calls::{KnownKey, Person, PersonOf, PresentedKey};
use platform::auth::{Role, Who};
use platform::db::Scope;
use platform::http::internal::Internal;
use platform::http::openapi::ServiceApi;
use platform::{Error, Result};

use crate::commands::api_keys::exchange;
use crate::context::Identity;
use crate::store::{memberships, users};

/// The routes with their permission rows.
pub(crate) fn api(identity: &Identity) -> ServiceApi {
    Internal::new(crate::NAME, identity.clone())
        .ask_installation::<PresentedKey, _>("exchange_key", |identity, _scope, asked| {
            Box::pin(async move { exchange_key(&identity, asked).await })
        })
        .ask::<PersonOf, _>("person_of", |identity, scope, asked| {
            Box::pin(async move { person_of(&identity, &scope, asked).await })
        })
        .finish()
}

/// Whose an API key or device key is.
async fn exchange_key(identity: &Identity, PresentedKey { key }: PresentedKey) -> Result<KnownKey> {
    let (principal, expires_at) = exchange(identity, &key).await?;
    let Who::Key(id) = principal.who else { return Err(Error::internal("a key is a key")) };
    Ok(KnownKey {
        id,
        device: principal.role == Role::Device,
        org: principal.org()?,
        scopes: principal.scopes,
        expires_at,
    })
}

/// How a member of the asking organisation is called.
async fn person_of(identity: &Identity, scope: &Scope, PersonOf { user_id }: PersonOf) -> Result<Person> {
    let mut tx = identity.db().read(scope).await?;
    memberships::of_user(&mut tx, user_id).await?.ok_or_else(|| Error::not_found("person"))?;
    let user = users::find(&mut tx, identity.vault(), user_id).await?;
    tx.rollback().await?;
    let user = user.ok_or_else(|| Error::not_found("person"))?;
    let phone = user.phone.map(|phone| phone.reveal().to_owned());
    Ok(Person { name: user.name.reveal().to_owned(), phone })
}
