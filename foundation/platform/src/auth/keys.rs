//! Public keys that access tokens are checked against.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;

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
    /// A token names a key that is not in the set: asks whoever publishes them, where that is somebody else. Anybody can
    /// send such tokens, so an implementation asks rarely, and once for all who wait. 503 when nobody could ever be asked.
    fn look_again(&self) -> BoxFuture<'_, crate::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
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

/// The keys in a published document; what is not an Ed25519 key is left out, as the standard asks.
pub fn read_jwks(document: &serde_json::Value) -> Vec<PublicKey> {
    let keys = document["keys"].as_array().into_iter().flatten();
    keys.filter(|key| key["kty"] == "OKP" && key["crv"] == "Ed25519")
        .filter_map(|key| {
            let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str()?).ok()?;
            Some(PublicKey { kid: key["kid"].as_str()?.to_owned(), bytes: bytes.try_into().ok()? })
        })
        .collect()
}

impl dyn KeySet {
    /// The document served at `/.well-known/jwks.json`.
    pub fn jwks(&self) -> serde_json::Value {
        jwks(&self.all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_back_and_nothing_else() {
        let keys = vec![PublicKey { kid: "one".to_owned(), bytes: [7; 32] }];
        let mut document = jwks(&keys);
        assert_eq!(read_jwks(&document), keys);
        let others = document["keys"].as_array_mut().unwrap();
        others.push(serde_json::json!({ "kty": "RSA", "kid": "two", "n": "AQAB", "e": "AQAB" }));
        others.push(serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AAAA" }));
        assert_eq!(read_jwks(&document), keys);
        assert_eq!(read_jwks(&serde_json::json!({})), Vec::new());
    }
}
