//! The cache that processes share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::cache::{Cache, Key, MemoryCache};
use redis::aio::MultiplexedConnection;
use redis::{AsyncIter, RedisResult};

use crate::server::{Part, Redis};

const PART: &str = "cache";
/// Everything of the cache is below it.
const PREFIX: &str = "dropmate:cache:";
/// Deletions that are remembered while the server is away; with more of them the whole cache is emptied.
const OWED: usize = 10_000;
/// Bytes in front of a value: when it ends, in microseconds since 1970.
const END: usize = 8;

/// Values in Redis, in memory while it is away.
#[derive(Debug, Clone)]
pub struct RedisCache {
    redis: Redis,
    clock: SharedClock,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    memory: MemoryCache,
    owed: Mutex<Owed>,
}

/// What was deleted while the server could not be told.
#[derive(Debug, Default)]
struct Owed {
    names: HashSet<String>,
    everything: bool,
}

impl Owed {
    fn note(&mut self, name: String) {
        if self.names.len() < OWED {
            self.names.insert(name);
        } else {
            self.everything = true;
        }
    }
}

impl RedisCache {
    /// On this server, with so many bytes of memory for when it is away.
    pub fn new(redis: &Redis, clock: SharedClock, memory: u64) -> Self {
        let memory = MemoryCache::new(Arc::clone(&clock), memory);
        let inner = Arc::new(Inner { memory, owed: Mutex::default() });
        redis.join(Arc::clone(&inner) as Arc<dyn Part>);
        Self { redis: redis.clone(), clock, inner }
    }

    async fn find(&self, key: &Key) -> Option<Bytes> {
        let Some(mut connection) = self.redis.connection(PART) else {
            return self.inner.memory.get(key).await;
        };
        let answer: RedisResult<Option<Vec<u8>>> =
            redis::cmd("GET").arg(name(key)).query_async(&mut connection).await;
        let value = Bytes::from(self.redis.answered(PART, answer)??);
        let end = i64::from_be_bytes(value.get(..END)?.try_into().ok()?);
        (self.clock.now().as_microsecond() < end).then(|| value.slice(END..))
    }

    async fn keep(&self, key: &Key, value: Bytes, ttl: Duration) {
        let Some(mut connection) = self.redis.connection(PART) else {
            return self.inner.memory.put(key, value, ttl).await;
        };
        let end = ends(self.clock.now(), ttl).as_microsecond();
        let stored = [&end.to_be_bytes()[..], &value].concat();
        let answer: RedisResult<()> = redis::cmd("SET")
            .arg(name(key))
            .arg(stored)
            .arg("PX")
            .arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1))
            .query_async(&mut connection)
            .await;
        if self.redis.answered(PART, answer).is_none() {
            // Whether it was stored is unknown; an older value must not come back.
            self.inner.owe(key);
            self.inner.memory.put(key, value, ttl).await;
        }
    }

    async fn forget(&self, key: &Key) {
        self.inner.memory.delete(key).await;
        let Some(mut connection) = self.redis.connection(PART) else { return self.inner.owe(key) };
        let answer: RedisResult<()> = redis::cmd("UNLINK").arg(name(key)).query_async(&mut connection).await;
        if self.redis.answered(PART, answer).is_none() {
            self.inner.owe(key);
        }
    }
}

impl Inner {
    fn owe(&self, key: &Key) {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).note(name(key));
    }

    /// Makes up for the deletions, then forgets what was kept meanwhile.
    async fn settle(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let owed = std::mem::take(&mut *self.owed.lock().unwrap_or_else(PoisonError::into_inner));
        let settled = unlink(connection, &owed).await;
        if settled.is_err() {
            let mut again = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
            again.everything |= owed.everything;
            owed.names.into_iter().for_each(|name| again.note(name));
        } else {
            self.memory.clear();
        }
        settled
    }
}

async fn unlink(connection: &mut MultiplexedConnection, owed: &Owed) -> RedisResult<()> {
    let mut names: Vec<String> = owed.names.iter().cloned().collect();
    if owed.everything {
        let mut found: AsyncIter<String> = redis::cmd("SCAN")
            .cursor_arg(0)
            .arg("MATCH")
            .arg(format!("{PREFIX}*"))
            .clone()
            .iter_async(connection)
            .await?;
        while let Some(name) = found.next_item().await {
            names.push(name?);
        }
    }
    for some in names.chunks(500) {
        redis::cmd("UNLINK").arg(some).query_async::<()>(connection).await?;
    }
    Ok(())
}

impl Part for Inner {
    fn returned<'a>(&'a self, connection: &'a mut MultiplexedConnection) -> BoxFuture<'a, RedisResult<()>> {
        Box::pin(self.settle(connection))
    }

    fn hear(&self, _message: &redis::Msg) {}

    fn channels(&self) -> Option<&'static str> {
        None
    }
}

impl Cache for RedisCache {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(self.find(key))
    }

    fn put<'a>(&'a self, key: &'a Key, value: Bytes, ttl: Duration) -> BoxFuture<'a, ()> {
        Box::pin(self.keep(key, value, ttl))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, ()> {
        Box::pin(self.forget(key))
    }
}

fn name(key: &Key) -> String {
    format!("{PREFIX}{key}")
}

pub(crate) fn ends(now: Timestamp, ttl: Duration) -> Timestamp {
    let ttl = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}
