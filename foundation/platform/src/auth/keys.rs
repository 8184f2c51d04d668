//! Public keys that access tokens are checked against.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One Ed25519 public key, 32 bytes, under its key id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The `kid` in token headers.
    pub kid: String,
    /// The raw key (RFC 8032).
    pub bytes: [u8; 32],
}

/// Where a verifier finds keys. In one process that is the identity service's own set; split, it is filled from
/// `/.well-known/jwks.json`.
pub trait KeySet: Send + Sync + std::fmt::Debug {
    /// The key with this id, if it is published and not retired.
    fn find(&self, kid: &str) -> Option<PublicKey>;
    /// All keys that are published now, in the order of their ids.
    fn all(&self) -> Vec<PublicKey>;
}

/// A set that is replaced as a whole whenever keys rotate.
#[derive(Debug, Clone, Default)]
pub struct StaticKeys {
    keys: Arc<RwLock<BTreeMap<String, PublicKey>>>,
}

impl StaticKeys {
    /// Replaces the published keys.
    pub fn replace(&self, keys: impl IntoIterator<Item = PublicKey>) {
        let next = keys.into_iter().map(|key| (key.kid.clone(), key)).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

impl KeySet for StaticKeys {
    fn find(&self, kid: &str) -> Option<PublicKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    fn all(&self) -> Vec<PublicKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// The keys as a JSON Web Key Set (RFC 7517, RFC 8037).
pub(super) fn jwks(keys: &[PublicKey]) -> serde_json::Value {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            serde_json::json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key.kid,
                "x": URL_SAFE_NO_PAD.encode(key.bytes),
            })
        })
        .collect();
    serde_json::json!({ "keys": keys })
}

impl dyn KeySet {
    /// The document served at `/.well-known/jwks.json`.
    pub fn jwks(&self) -> serde_json::Value {
        jwks(&self.all())
    }
}
