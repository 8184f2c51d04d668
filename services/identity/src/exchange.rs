//! Turns presented API keys and device keys into principals, with a memory of a few seconds.
//!
//! A busy integration sends hundreds of requests a second with the same key; asking the database for each would cost
//! more than the requests. A key that was taken back works for at most [`REMEMBERED`] longer in other processes; the one
//! that takes it back forgets at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::time::{SignedDuration, Timestamp};
use platform::Result;
use platform::auth::Principal;
use platform::db::BoxFuture;
use platform::http::operations::KeyExchange;
use sha2::{Digest, Sha256};

use crate::commands::api_keys::exchange;
use crate::context::Identity;

/// How long an exchanged key is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(5);
/// Keys that are remembered at a time.
const MAX_REMEMBERED: usize = 10_000;

struct Known {
    principal: Principal,
    until: Timestamp,
    /// How many keys this process had taken back when it asked.
    generation: u64,
}

type Memory = HashMap<[u8; 32], Known>;

/// The exchange of this process.
#[derive(Clone)]
pub struct CachedExchange {
    identity: Identity,
    memory: Arc<Mutex<Memory>>,
}

impl std::fmt::Debug for CachedExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CachedExchange")
    }
}

impl CachedExchange {
    /// An exchange that asks this service.
    pub fn new(identity: Identity) -> Self {
        Self { identity, memory: Arc::default() }
    }

    async fn principal(&self, key: &str) -> Result<Principal> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        if let Some(principal) = self.remembered(&hash) {
            return Ok(principal);
        }
        // Read before asking: a key that is taken back in between is not remembered as valid.
        let (generation, now) = (self.identity.keys_taken_back(), self.identity.db().clock().now());
        let (principal, ends) = exchange(&self.identity, key).await?;
        let until = now.checked_add(REMEMBERED).unwrap_or(now);
        let until = ends.map_or(until, |ends| until.min(ends));
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MAX_REMEMBERED {
            memory.clear();
        }
        memory.insert(hash, Known { principal: principal.clone(), until, generation });
        Ok(principal)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Principal> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.get(hash)?;
        let now = self.identity.db().clock().now();
        if now < known.until && known.generation == self.identity.keys_taken_back() {
            return Some(known.principal.clone());
        }
        memory.remove(hash);
        None
    }
}

impl KeyExchange for CachedExchange {
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        Box::pin(self.principal(key))
    }
}
