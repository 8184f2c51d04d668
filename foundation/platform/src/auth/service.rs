//! Who a process is when it calls another: service tokens.
//!
//! A process draws an Ed25519 key when it starts and keeps it in memory only; the public half is written to the database
//! by a function that takes the service from the login role (`platform.announce_instance`). So whoever can open a
//! connection as `dropmate_orders` is `orders`, nobody else is, and there is no private key to store, to copy or to
//! rotate. A token names one callee, lives 60 s and has a `typ` of its own: it is never accepted as a user's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use http::HeaderValue;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::ids::{OrgId, Uuid};
use kernel::random::Random;
use kernel::time::SharedClock;
use sqlx::PgPool;
use tokio::time::Instant;

use super::TokenError;
use crate::{Error, Result};

/// How long a service token is accepted, and how much of that is left when a new one is made.
const LIFETIME_S: i64 = 60;
const RENEWED_S: i64 = 20;
/// How far the clocks of two machines may be apart.
const SKEW_S: i64 = 5;
/// How long a key is published after its process was last heard of. Nothing is at risk meanwhile: a private key ends with
/// its process.
const PUBLISHED_S: i32 = 300;
/// At most this often is an unknown key looked for in the database.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long looking may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Tokens that were checked before and are remembered until they expire.
const REMEMBERED: usize = 256;

const TYP: &str = "svc+jwt";
const ISSUER: &str = "dropmate:service";

/// On whose behalf a service calls; an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnBehalf {
    /// Of the caller whose credential the request carries, or of nobody in particular.
    #[default]
    Caller,
    /// Of the installation itself, inside one organisation or none.
    System(Option<OrgId>),
}

/// The service that called, checked; an extension of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCaller {
    /// Its name.
    pub service: String,
    /// On whose behalf.
    pub on_behalf: OnBehalf,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// Whether it calls on behalf of the installation.
    #[serde(default)]
    sys: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<OrgId>,
    iat: i64,
    exp: i64,
}

/// A process as one service. Cloning shares it.
#[derive(Clone)]
pub struct ServiceIdentity {
    inner: Arc<Own>,
}

struct Own {
    service: &'static str,
    id: Uuid,
    public: [u8; 32],
    key: EncodingKey,
    clock: SharedClock,
    tokens: Mutex<HashMap<(String, OnBehalf), (HeaderValue, i64)>>,
}

impl std::fmt::Debug for ServiceIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceIdentity").field("service", &self.inner.service).finish_non_exhaustive()
    }
}

impl ServiceIdentity {
    /// Draws a key. Nobody accepts it before it is announced.
    pub fn draw(service: &'static str, random: &Random, clock: SharedClock) -> Result<Self> {
        let opaque = |_opaque| Error::internal("no key could be made");
        let pair = Ed25519KeyPair::from_seed_unchecked(&random.bytes::<32>()).map_err(opaque)?;
        let private = pair.to_pkcs8v1().map_err(|_opaque| Error::internal("a key could not be encoded"))?;
        let own = Own {
            service,
            id: random.uuid_v7(clock.now()),
            public: pair.public_key().as_ref().try_into().map_err(Error::internal)?,
            key: EncodingKey::from_ed_der(private.as_ref()),
            clock,
            tokens: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(own) })
    }

    /// The service that it is.
    pub fn service(&self) -> &'static str {
        self.inner.service
    }

    /// Publishes the key, or says that the process is still there. Under the service's own role.
    pub async fn announce(&self, pool: &PgPool) -> Result<()> {
        sqlx::query("SELECT platform.announce_instance($1, $2, $3)")
            .bind(self.inner.id)
            .bind(self.inner.public.as_slice())
            .bind(PUBLISHED_S)
            .execute(pool)
            .await?;
        Ok(())
    }

    /// Takes the key back: the process ends.
    pub async fn leave(&self, pool: &PgPool) -> Result<()> {
        sqlx::query("SELECT platform.leave_instance($1)").bind(self.inner.id).execute(pool).await?;
        Ok(())
    }

    /// A token for one callee; the same one for a while.
    pub fn token(&self, callee: &str, on_behalf: OnBehalf) -> Result<HeaderValue> {
        let own = &*self.inner;
        let now = own.clock.now().as_second();
        let mut tokens = own.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // Also a clock that was moved back makes a new one.
        let usable = |expires: i64| (now + RENEWED_S..=now + LIFETIME_S).contains(&expires);
        if let Some((token, _)) =
            tokens.get(&(callee.to_owned(), on_behalf)).filter(|(_, expires)| usable(*expires))
        {
            return Ok(token.clone());
        }
        if tokens.len() >= REMEMBERED {
            tokens.clear();
        }
        let token = HeaderValue::from_str(&own.sign(callee, on_behalf, now)?).map_err(Error::internal)?;
        tokens.insert((callee.to_owned(), on_behalf), (token.clone(), now + LIFETIME_S));
        Ok(token)
    }

    /// Makes new tokens from now on: the callee did not accept one.
    pub fn forget_tokens(&self) {
        self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Own {
    fn sign(&self, callee: &str, on_behalf: OnBehalf, now: i64) -> Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        (header.kid, header.typ) = (Some(self.id.to_string()), Some(TYP.to_owned()));
        let (sys, org) = match on_behalf {
            OnBehalf::Caller => (false, None),
            OnBehalf::System(org) => (true, org),
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience(callee),
            sub: self.service.to_owned(),
            sys,
            org,
            iat: now,
            exp: now + LIFETIME_S,
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(Error::internal)
    }
}

fn audience(callee: &str) -> String {
    format!("dropmate:service:{callee}")
}

/// Checks the tokens of those who call a service. Cloning shares it.
#[derive(Clone)]
pub struct ServiceVerifier {
    inner: Arc<Checks>,
}

struct Checks {
    callee: &'static str,
    pool: PgPool,
    clock: SharedClock,
    /// By key id: whose key it is.
    keys: RwLock<HashMap<String, (String, DecodingKey)>>,
    looked: tokio::sync::Mutex<Option<Instant>>,
    known: Mutex<HashMap<String, (ServiceCaller, i64)>>,
}

impl std::fmt::Debug for ServiceVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceVerifier").field("callee", &self.inner.callee).finish_non_exhaustive()
    }
}

impl ServiceVerifier {
    /// For calls to this service, with keys read under its own role.
    pub fn new(callee: &'static str, pool: PgPool, clock: SharedClock) -> Self {
        let checks = Checks {
            callee,
            pool,
            clock,
            keys: RwLock::default(),
            looked: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        };
        Self { inner: Arc::new(checks) }
    }

    /// Who calls. A key that is not known is looked for once, by one of those who wait for it.
    pub async fn verify(&self, token: &str) -> Result<ServiceCaller, TokenError> {
        let now = self.inner.clock.now().as_second();
        if let Some(caller) = self.inner.remembered(token, now) {
            return Ok(caller);
        }
        let header = jsonwebtoken::decode_header(token)?;
        if header.typ.as_deref() != Some(TYP) {
            return Err(TokenError::Type);
        }
        let kid = header.kid.ok_or(TokenError::UnknownKey)?;
        if self.inner.key(&kid).is_none() {
            self.look(&kid).await;
        }
        let (service, key) = self.inner.key(&kid).ok_or(TokenError::UnknownKey)?;
        let (caller, expires) = self.inner.check(token, &service, &key, now)?;
        self.inner.remember(token, &caller, expires);
        Ok(caller)
    }

    /// Reads the published keys.
    pub async fn refresh(&self) -> Result<()> {
        let rows: Vec<(Uuid, String, Vec<u8>)> =
            sqlx::query_as("SELECT id, service, public_key FROM platform.service_keys()")
                .fetch_all(&self.inner.pool)
                .await?;
        let keys = rows
            .into_iter()
            .map(|(id, service, public)| (id.to_string(), (service, DecodingKey::from_ed_der(&public))));
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.collect();
        Ok(())
    }

    async fn look(&self, kid: &str) {
        let mut looked = self.inner.looked.lock().await;
        let recently = looked.is_some_and(|at| at.elapsed() < LOOK_AGAIN);
        if recently || self.inner.key(kid).is_some() {
            return;
        }
        match tokio::time::timeout(PATIENCE, self.refresh()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(cause = error.chain(), "the keys of the services could not be read")
            }
            Err(_elapsed) => tracing::warn!("the keys of the services could not be read in time"),
        }
        *looked = Some(Instant::now());
    }
}

impl Checks {
    fn key(&self, kid: &str) -> Option<(String, DecodingKey)> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    fn check(
        &self,
        token: &str,
        service: &str,
        key: &DecodingKey,
        now: i64,
    ) -> Result<(ServiceCaller, i64), TokenError> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience(self.callee)]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // Checked below against the business clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)?.claims;
        // The key says who signed; the name in the token must be the same.
        if claims.sub != service
            || claims.exp - claims.iat > LIFETIME_S
            || (claims.org.is_some() && !claims.sys)
        {
            return Err(TokenError::Claims);
        }
        if claims.exp <= now || claims.iat > now + SKEW_S {
            return Err(TokenError::Expired);
        }
        let on_behalf = if claims.sys { OnBehalf::System(claims.org) } else { OnBehalf::Caller };
        Ok((ServiceCaller { service: claims.sub, on_behalf }, claims.exp))
    }

    fn remembered(&self, token: &str, now: i64) -> Option<ServiceCaller> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(token)
            .filter(|(_, expires)| (now + 1..=now + LIFETIME_S + SKEW_S).contains(expires))
            .map(|(caller, _)| caller.clone())
    }

    fn remember(&self, token: &str, caller: &ServiceCaller, expires: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(token.to_owned(), (caller.clone(), expires));
    }
}
