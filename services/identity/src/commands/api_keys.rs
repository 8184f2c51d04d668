//! Keys for integrations and devices: shown once, stored as a hash, limited by scopes.

use std::collections::BTreeSet;

use kernel::ids::{ApiKeyId, UserId};
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::auth::{Principal, Role, Who};
use platform::db::{Scope, Tx};
use platform::{Error, Kind, Result};

use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::ApiKey;
use crate::store::api_keys::{self, NewKey};

/// Scopes that a key of an integration may have. A device key may only have those that start with `report:`.
pub const SCOPES: &[&str] = &["organization:read", "members:read", "report:positions", "report:packages"];

/// Creates a key; its text is returned this once.
pub async fn create(tx: &mut Tx, by: UserId, new: NewKey) -> Result<(ApiKey, Secret)> {
    check(&new, tx.now())?;
    let purpose = if new.device { Purpose::DeviceKey } else { Purpose::ApiKey };
    let secret = Secret::draw(purpose, tx.random());
    let key = api_keys::insert(tx, new, &secret, by).await?;
    tx.audit(Entry::new("create_api_key", "api_key", key.id).after(&key)?).await?;
    Ok((key, secret))
}

fn check(new: &NewKey, now: Timestamp) -> Result<()> {
    if new.scopes.is_empty() {
        return Err(Error::invalid_field("/scopes", "at least one scope"));
    }
    for (index, scope) in new.scopes.iter().enumerate() {
        let known = SCOPES.contains(&scope.as_str());
        if !known || (new.device && !scope.starts_with("report:")) {
            return Err(Error::invalid_field(
                format!("/scopes/{index}"),
                "not a scope that such a key may have",
            ));
        }
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid_field("/expires_at", "lies in the past"));
    }
    Ok(())
}

/// Takes a key back.
pub async fn revoke(tx: &mut Tx, id: ApiKeyId) -> Result<()> {
    let key = api_keys::lock(tx, id).await?.ok_or_else(|| Error::not_found("API key"))?;
    api_keys::revoke(tx, id).await?;
    tx.audit(Entry::new("revoke_api_key", "api_key", id).before(&key)?).await
}

fn invalid() -> Error {
    Error::new(Kind::Unauthenticated, "invalid_token", "The key is not valid, has expired or was taken back.")
}

/// The principal behind a presented key and when the key ends, or 401.
pub async fn exchange(identity: &Identity, text: &str) -> Result<(Principal, Option<Timestamp>)> {
    let secret = [Purpose::ApiKey, Purpose::DeviceKey]
        .into_iter()
        .find_map(|purpose| Secret::presented(purpose, text))
        .ok_or_else(invalid)?;
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    let (org, id) = api_keys::locate(&mut tx, &secret).await?.ok_or_else(invalid)?;
    tx.enter(org).await?;
    let device = text.starts_with(Purpose::DeviceKey.prefix());
    let key = api_keys::present(&mut tx, id).await?.filter(|key| key.device == device).ok_or_else(invalid)?;
    tx.commit().await?;
    let role = if key.device { Role::Device } else { Role::Service };
    let scopes: BTreeSet<String> = key.scopes.into_iter().collect();
    Ok((Principal { who: Who::Key(id), role, org: Some(org), scopes }, key.expires_at))
}
