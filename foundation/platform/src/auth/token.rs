//! Access tokens: JWT, EdDSA, 15 minutes, one `typ` and `aud` per purpose (RFC 9068 for `at+jwt`).

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::ids::{ApiKeyId, OrgId, SessionId, UserId};
use kernel::time::{SharedClock, SignedDuration};

use super::{KeySet, Principal, Revocations, Role, Who};

/// How long an access token is accepted.
pub const ACCESS_TOKEN_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// What a token is for. A token of one purpose is never accepted for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The public API, for people.
    Api,
    /// A key that the gateway exchanged for a short token.
    Key,
}

impl Audience {
    const fn aud(self) -> &'static str {
        match self {
            Self::Api => "dropmate:api",
            Self::Key => "dropmate:key",
        }
    }

    const fn typ(self) -> &'static str {
        match self {
            Self::Api => "at+jwt",
            Self::Key => "key+jwt",
        }
    }
}

/// The claims of an access token. No names, no addresses: identifiers only.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessClaims {
    /// Who issued it: this installation's public address.
    pub iss: String,
    /// For what it is.
    pub aud: String,
    /// `user_...` or `key_...`.
    pub sub: String,
    /// The session of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// The organisation; the credential names exactly one, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// As what.
    pub role: Role,
    /// Scopes of a key.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<String>,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
}

/// Why a token was refused. For the log; the caller hears only 401.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, a wrong signature, a wrong algorithm, issuer or audience.
    #[error("the token is not valid")]
    Jwt(#[from] jsonwebtoken::errors::Error),
    /// The `typ` belongs to another purpose.
    #[error("the token is of another type")]
    Type,
    /// The key is not published.
    #[error("the token was signed with an unknown key")]
    UnknownKey,
    /// Past its time, or from the future.
    #[error("the token has expired or is not valid yet")]
    Expired,
    /// The session has been revoked.
    #[error("the session was revoked")]
    Revoked,
    /// Claims that do not fit together.
    #[error("the token's claims do not fit together")]
    Claims,
}

/// Signs tokens with one private key.
#[derive(Clone)]
pub struct Signer {
    kid: String,
    issuer: String,
    key: EncodingKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer for one Ed25519 key in PKCS#8 (DER).
    pub fn new(kid: String, issuer: String, pkcs8: &[u8]) -> Self {
        Self { kid, issuer, key: EncodingKey::from_ed_der(pkcs8) }
    }

    /// The id under which the public half is published.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs a token for this principal, valid from `now` for `lifetime`.
    pub fn sign(
        &self,
        audience: Audience,
        principal: &Principal,
        now: kernel::time::Timestamp,
        lifetime: SignedDuration,
    ) -> crate::Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        header.typ = Some(audience.typ().to_owned());
        let session = match principal.who {
            Who::User { session, .. } => Some(session),
            _ => None,
        };
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: audience.aud().to_owned(),
            sub: principal.label(),
            sid: session,
            org: principal.org,
            role: principal.role,
            scopes: principal.scopes.clone(),
            iat: now.as_second(),
            exp: now.as_second() + lifetime.as_secs(),
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(crate::Error::internal)
    }
}

/// Checks tokens. No network access, ever: an unknown key is refused, and [`Verifier::look_again`] is the caller's choice.
#[derive(Clone)]
pub struct Verifier {
    issuer: String,
    keys: Arc<dyn KeySet>,
    clock: SharedClock,
    revocations: Revocations,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier for tokens of this issuer.
    pub fn new(issuer: String, keys: Arc<dyn KeySet>, clock: SharedClock, revocations: Revocations) -> Self {
        Self { issuer, keys, clock, revocations }
    }

    /// The sessions that are refused although their tokens have not expired.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Asks whoever publishes the keys, where that is another process; see [`KeySet::look_again`].
    pub async fn look_again(&self) -> crate::Result<()> {
        self.keys.look_again().await
    }

    /// The principal of a token of this purpose.
    pub fn verify(&self, audience: Audience, token: &str) -> Result<Principal, TokenError> {
        let header = jsonwebtoken::decode_header(token)?;
        if header.typ.as_deref() != Some(audience.typ()) {
            return Err(TokenError::Type);
        }
        let kid = header.kid.ok_or(TokenError::UnknownKey)?;
        let key = self.keys.find(&kid).ok_or(TokenError::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience.aud()]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // Time is checked below against the business clock, not against the machine's.
        validation.validate_exp = false;
        let decoding = DecodingKey::from_ed_der(&key.bytes);
        let claims = jsonwebtoken::decode::<AccessClaims>(token, &decoding, &validation)?.claims;
        self.principal(claims)
    }

    fn principal(&self, claims: AccessClaims) -> Result<Principal, TokenError> {
        let now = self.clock.now().as_second();
        // One second of tolerance for tokens issued by another instance.
        if claims.exp <= now || claims.iat > now + 1 {
            return Err(TokenError::Expired);
        }
        let who = if let Some(session) = claims.sid {
            if self.revocations.contains(session) {
                return Err(TokenError::Revoked);
            }
            let user = UserId::from_str(&claims.sub).map_err(|_not_a_user| TokenError::Claims)?;
            Who::User { user, session }
        } else {
            let key = ApiKeyId::from_str(&claims.sub).map_err(|_not_a_key| TokenError::Claims)?;
            Who::Key(key)
        };
        Ok(Principal { who, role: claims.role, org: claims.org, scopes: claims.scopes })
    }
}
