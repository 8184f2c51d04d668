//! From an `Authorization` header to a principal.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::auth::{Audience, Principal, TokenError, Verifier};
use crate::{Error, Kind, Result};

/// Prefixes of credentials that are not tokens: API keys and device keys.
const KEY_PREFIXES: [&str; 2] = ["dmk_", "dmd_"];

/// Asks whoever keeps the keys (identity) whose a key is.
pub trait KeyExchange: Send + Sync {
    /// The principal of a key, 401 for an unknown or revoked one, 503 when it cannot be found out.
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>>;
}

/// Accepts no keys.
#[derive(Debug, Clone, Copy)]
pub struct NoKeys;

impl KeyExchange for NoKeys {
    fn exchange<'a>(&'a self, _key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        Box::pin(std::future::ready(Err(invalid())))
    }
}

/// Finds out who calls.
#[derive(Clone)]
pub struct Authenticator {
    verifier: Verifier,
    keys: Arc<dyn KeyExchange>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Tokens are checked here, keys where they are kept.
    pub fn new(verifier: Verifier, keys: Arc<dyn KeyExchange>) -> Self {
        Self { verifier, keys }
    }

    /// The caller. Without the header it is nobody; a header that is not a valid credential is 401, never nobody.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(Principal::anonymous());
        };
        if values.next().is_some() {
            return Err(invalid());
        }
        let credential = bearer(value).ok_or_else(invalid)?;
        if KEY_PREFIXES.iter().any(|prefix| credential.starts_with(prefix)) {
            return self.keys.exchange(credential).await;
        }
        let verified = match self.verifier.verify(Audience::Api, credential) {
            Err(TokenError::UnknownKey) => {
                self.verifier.look_again().await?;
                self.verifier.verify(Audience::Api, credential)
            }
            verified => verified,
        };
        verified.map_err(|error| invalid().with_source(error))
    }
}

/// `Bearer` in any case, one space or more, `token68` (RFC 6750, section 2.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim_start_matches(' ');
    let token68 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let valid =
        scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty() && credential.bytes().all(token68);
    valid.then_some(credential)
}

fn invalid() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "invalid_token",
        "The credential is not valid, has expired or was revoked.",
    )
}
