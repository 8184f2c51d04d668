//! The keys that sign access tokens, as this process uses them.
//!
//! A new key is published 20 minutes before it signs, and its predecessor is accepted for 20 minutes after: longer than
//! any token lives and than anybody caches the key set, so that nobody ever meets a token with an unknown key.
//!
//! | time | new key | old key |
//! |---|---|---|
//! | rotation | published | signs |
//! | 20 minutes later | signs | accepted |
//! | 40 minutes later | signs | refused; its private half is destroyed |
//!
//! Rotation comes by itself (`auth.key_rotation_days`, 30 by default; `jobs::rotate_keys`) or with `dropmate keys rotate`.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use kernel::ids::SigningKeyId;
use kernel::time::{SignedDuration, Timestamp};
use platform::auth::{Audience, Principal, PublicKey, Signer, StaticKeys};
use platform::db::{Scope, Tx};
use platform::{Error, Result};

use crate::context::Identity;
use crate::store::signing_keys::{self, StoredKey};

/// How long a key is published before it signs, and accepted after its successor began to.
const OVERLAP: SignedDuration = SignedDuration::from_mins(20);

/// The signer in use and the published set.
#[derive(Clone)]
pub struct SigningKeys {
    issuer: String,
    published: StaticKeys,
    loaded: Arc<RwLock<Vec<(Timestamp, Signer)>>>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys")
    }
}

impl SigningKeys {
    /// Nothing is loaded yet.
    pub fn new(issuer: String, published: StaticKeys) -> Self {
        Self { issuer, published, loaded: Arc::default() }
    }

    /// Signs an access token with the newest key whose time has come.
    pub fn sign(&self, audience: Audience, principal: &Principal, now: Timestamp) -> Result<String> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let current = loaded.iter().filter(|(from, _)| *from <= now).max_by_key(|(from, _)| *from);
        let (_, signer) = current.ok_or_else(|| Error::unavailable("signing key"))?;
        signer.sign(audience, principal, now, platform::auth::ACCESS_TOKEN_LIFETIME)
    }

    fn replace(&self, stored: &[StoredKey]) {
        let public = stored.iter().map(|key| PublicKey { kid: key.id.to_string(), bytes: key.public });
        self.published.replace(public);
        let signers = stored
            .iter()
            .map(|key| (key.active_from, Signer::new(key.id.to_string(), self.issuer.clone(), &key.private)))
            .collect();
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = signers;
    }
}

/// Loads the keys; makes the first one when there is none. Called at start and once a minute.
pub async fn load(identity: &Identity) -> Result<()> {
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    let keys = identity.vault().installation(&mut tx).await?;
    let mut stored = signing_keys::published(&mut tx, &keys).await?;
    if stored.is_empty() {
        signing_keys::lock_all(&mut tx).await?;
        stored = signing_keys::published(&mut tx, &keys).await?;
        if stored.is_empty() {
            let now = tx.now();
            create(&mut tx, identity, now).await?;
            stored = signing_keys::published(&mut tx, &keys).await?;
        }
    }
    tx.commit().await?;
    identity.keys().replace(&stored);
    Ok(())
}

/// Makes a new key that signs in 20 minutes; the old ones retire 20 minutes after that.
pub async fn rotate(identity: &Identity) -> Result<SigningKeyId> {
    rotate_with(identity, OVERLAP).await
}

/// [`rotate`] with another time between publishing a key and signing with it; for the proof that it matters.
pub async fn rotate_with(identity: &Identity, published_before: SignedDuration) -> Result<SigningKeyId> {
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    signing_keys::lock_all(&mut tx).await?;
    let id = next(&mut tx, identity, published_before).await?;
    tx.commit().await?;
    load(identity).await?;
    Ok(id)
}

/// Replaces a key that has signed for as long as the settings say, and destroys what has retired. The new key, if it was
/// time for one.
pub async fn rotate_if_due(identity: &Identity, scope: &Scope) -> Result<Option<SigningKeyId>> {
    let mut tx = identity.db().begin(scope).await?;
    signing_keys::lock_all(&mut tx).await?;
    let destroyed = signing_keys::destroy_retired(&mut tx).await?;
    let newest = signing_keys::newest_active_from(&mut tx).await?;
    let due = newest.and_then(|since| since.checked_add(identity.settings().key_rotation).ok());
    // The successor signs when the time is over, and is published before.
    let publish = due.and_then(|due| due.checked_sub(OVERLAP).ok());
    let id = match publish {
        Some(publish) if publish <= tx.now() => Some(next(&mut tx, identity, OVERLAP).await?),
        _ => None,
    };
    tx.commit().await?;
    if destroyed > 0 {
        tracing::info!(keys = destroyed, "private halves of retired signing keys were destroyed");
    }
    load(identity).await?;
    Ok(id)
}

async fn next(tx: &mut Tx, identity: &Identity, published_before: SignedDuration) -> Result<SigningKeyId> {
    let active_from = tx.now().checked_add(published_before).map_err(Error::internal)?;
    let retire = active_from.checked_add(OVERLAP).map_err(Error::internal)?;
    let id = create(tx, identity, active_from).await?;
    signing_keys::retire_others(tx, id, retire).await?;
    tx.audit(platform::audit::Entry::new("keys.rotate", "signing_key", id)).await?;
    Ok(id)
}

async fn create(tx: &mut Tx, identity: &Identity, active_from: Timestamp) -> Result<SigningKeyId> {
    let (public, private) = generate(&tx.random().bytes())?;
    let id: SigningKeyId = tx.id();
    let keys = identity.vault().installation(tx).await?;
    signing_keys::insert(tx, &keys, id, &public, &private, active_from).await?;
    Ok(id)
}

/// An Ed25519 key from 32 random bytes, as public key and PKCS#8.
fn generate(seed: &[u8; 32]) -> Result<([u8; 32], zeroize::Zeroizing<Vec<u8>>)> {
    let pair =
        Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_opaque| Error::internal("no key from a seed"))?;
    let private = pair.to_pkcs8v1().map_err(|_opaque| Error::internal("a key could not be encoded"))?;
    let public = pair.public_key().as_ref().try_into().map_err(Error::internal)?;
    Ok((public, zeroize::Zeroizing::new(private.as_ref().to_vec())))
}
