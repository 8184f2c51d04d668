//! What the gateway asks identity when that is another process: the public keys of access tokens, and whose an API key
//! is. Both are remembered, so that a busy gateway asks rarely and works on while identity restarts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use contracts::calls::{KEY_EXCHANGE, KnownKey, PresentedKey};
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::auth::{KeySet, OnBehalf, Principal, PublicKey, Role, StaticKeys, Who, read_jwks};
use platform::http::Channel;
use platform::http::operations::KeyExchange;
use platform::{Error, Kind, Result};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// How often unknown keys make the gateway ask, however many tokens name one.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How long an exchanged key is remembered; a key that was taken back works for at most as long.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(5);
/// Keys that are remembered at a time.
const MAX_REMEMBERED: usize = 10_000;
/// Longest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;

/// The keys that identity publishes, as they were last heard.
#[derive(Debug, Clone)]
pub struct RemoteKeys {
    channel: Channel,
    keys: StaticKeys,
    /// When an unknown key last made us ask. Held while asking: one asks, the others wait for the answer.
    asked: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

impl RemoteKeys {
    /// Nothing is known yet.
    pub fn new(channel: Channel) -> Self {
        Self { channel, keys: StaticKeys::default(), asked: Arc::default() }
    }

    /// Asks. What was known before goes on being used when nobody answers.
    pub async fn refresh(&self) -> Result<()> {
        let request = Request::get("/.well-known/jwks.json").body(Body::empty()).map_err(Error::internal)?;
        let document: serde_json::Value = answer(self.channel.call(request).await?).await?;
        let keys = read_jwks(&document);
        if keys.is_empty() {
            // It has just started and has none itself: what we know is better.
            return Err(Error::unavailable("set of signing keys"));
        }
        self.keys.replace(keys);
        Ok(())
    }
}

impl KeySet for RemoteKeys {
    fn find(&self, kid: &str) -> Option<PublicKey> {
        self.keys.find(kid)
    }

    fn all(&self) -> Vec<PublicKey> {
        self.keys.all()
    }

    fn look_again(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let mut asked = self.asked.lock().await;
            let nothing_known = self.keys.all().is_empty();
            if !nothing_known && asked.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
                return Ok(());
            }
            *asked = Some(Instant::now());
            match self.refresh().await {
                // Without any key nobody can be told that a token is wrong.
                Err(error) if nothing_known => Err(error),
                Err(error) => {
                    tracing::warn!(cause = error.chain(), "identity could not be asked for its keys");
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        })
    }
}

type Memory = HashMap<[u8; 32], (Principal, Timestamp)>;

/// Asks identity whose a key is.
#[derive(Clone)]
pub struct RemoteExchange {
    channel: Channel,
    clock: SharedClock,
    memory: Arc<Mutex<Memory>>,
}

impl std::fmt::Debug for RemoteExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RemoteExchange")
    }
}

impl RemoteExchange {
    /// Nothing is remembered yet.
    pub fn new(channel: Channel, clock: SharedClock) -> Self {
        Self { channel, clock, memory: Arc::default() }
    }

    async fn principal(&self, key: &str) -> Result<Principal> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let now = self.clock.now();
        if let Some(principal) = self.remembered(&hash, now) {
            return Ok(principal);
        }
        let known = self.ask(key).await?;
        let until = now.checked_add(REMEMBERED).unwrap_or(now);
        let until = known.expires_at.map_or(until, |ends| until.min(ends));
        let role = if known.device { Role::Device } else { Role::Service };
        let principal =
            Principal { who: Who::Key(known.id), role, org: Some(known.org), scopes: known.scopes };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MAX_REMEMBERED {
            memory.clear();
        }
        memory.insert(hash, (principal.clone(), until));
        Ok(principal)
    }

    fn remembered(&self, hash: &[u8; 32], now: Timestamp) -> Option<Principal> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let (principal, until) = memory.get(hash)?;
        if now < *until {
            return Some(principal.clone());
        }
        memory.remove(hash);
        None
    }

    async fn ask(&self, key: &str) -> Result<KnownKey> {
        let body = serde_json::to_vec(&PresentedKey { key: key.to_owned() })?;
        let request = Request::post(KEY_EXCHANGE)
            .header(CONTENT_TYPE, "application/json")
            .extension(OnBehalf::System(None))
            .body(Body::from(body))
            .map_err(Error::internal)?;
        let response = self.channel.call(request).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let message = "The key is not valid, has expired or was taken back.";
            return Err(Error::new(Kind::Unauthenticated, "invalid_token", message));
        }
        answer(response).await
    }
}

impl KeyExchange for RemoteExchange {
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        Box::pin(self.principal(key))
    }
}

/// The body of a 200; anything else means that identity cannot help now.
async fn answer<T: DeserializeOwned>(response: Response) -> Result<T> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(Error::unavailable("identity service").with_source(format!("it answered {status}")));
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER);
    let bytes =
        body.collect().await.map_err(|error| Error::unavailable("identity service").with_source(error))?;
    serde_json::from_slice(&bytes.to_bytes()).map_err(Error::internal)
}
