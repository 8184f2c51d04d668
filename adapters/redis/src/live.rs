//! Live values that processes share: one hash per topic and organisation, changes over publish and subscribe.
//!
//! A stored value is three fields of text with fixed width in front (time of the source, end, kind), so that the server can compare
//! without reading what follows.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use kernel::ids::{OrgId, Uuid};
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::live::{Entry, Live, MemoryLive, Subscription, Topic};
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};

use crate::cache::ends;
use crate::server::{Part, Redis};

const PART: &str = "live";
/// Hashes and channels have the same names: prefix, topic, organisation.
const PREFIX: &str = "dropmate:live:";
const PATTERN: &str = "dropmate:live:*";
/// Digits of a moment in microseconds.
const DIGITS: usize = 20;
/// Time, end, kind.
const HEAD: usize = 2 * DIGITS + 1;

/// Takes a value unless one that has not ended is at least as new, and tells everybody.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local old = redis.call('HGET', KEYS[1], ARGV[1])
         if old and string.sub(old, 21, 40) > ARGV[3] and string.sub(old, 1, 20) >= string.sub(ARGV[2], 1, 20) then
             return 0
         end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
         if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
         redis.call('PUBLISH', KEYS[1], string.format('%08d', #ARGV[1]) .. ARGV[1] .. ARGV[2])
         return 1",
    )
});

/// All values of a topic; those that have ended are cleared away.
static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local all, kept = redis.call('HGETALL', KEYS[1]), {}
         for n = 1, #all, 2 do
             if string.sub(all[n + 1], 21, 40) > ARGV[1] then
                 kept[#kept + 1] = all[n]
                 kept[#kept + 1] = all[n + 1]
             else
                 redis.call('HDEL', KEYS[1], all[n])
             end
         end
         return kept",
    )
});

/// Newest-wins values in Redis, and what this process has heard of them.
#[derive(Debug, Clone)]
pub struct RedisLive {
    redis: Redis,
    clock: SharedClock,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    memory: MemoryLive,
    /// The names of topics that this program uses.
    names: RwLock<HashSet<&'static str>>,
}

impl RedisLive {
    /// On this server, with this clock.
    pub fn new(redis: &Redis, clock: SharedClock) -> Self {
        let memory = MemoryLive::new(Arc::clone(&clock));
        let inner = Arc::new(Inner { clock: Arc::clone(&clock), memory, names: RwLock::default() });
        redis.join(Arc::clone(&inner) as Arc<dyn Part>);
        Self { redis: redis.clone(), clock, inner }
    }

    async fn take(&self, topic: Topic, entry: Entry, ttl: Duration) -> bool {
        self.inner.know(topic.name);
        if self.inner.memory.newest(topic, &entry.key).is_some_and(|held| held.at >= entry.at) {
            return false;
        }
        if let Some(mut connection) = self.redis.connection(PART) {
            let now = self.clock.now();
            let answer: RedisResult<i64> = TAKE
                .key(channel(topic))
                .arg(&entry.key)
                .arg(encode(&entry, ends(now, ttl)))
                .arg(moment(now))
                .arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1))
                .invoke_async(&mut connection)
                .await;
            if let Some(taken) = self.redis.answered(PART, answer) {
                if taken == 1 {
                    // What was published may have been heard here already.
                    self.inner.memory.take(topic, entry, ttl);
                }
                return taken == 1;
            }
        }
        self.inner.memory.take(topic, entry, ttl)
    }

    async fn find(&self, topic: Topic, key: &str) -> Option<Entry> {
        self.inner.know(topic.name);
        let own = self.inner.memory.newest(topic, key);
        let shared = self.shared(topic, key).await;
        newer(own, shared).filter(|entry| entry.value.is_some())
    }

    async fn shared(&self, topic: Topic, key: &str) -> Option<Entry> {
        let mut connection = self.redis.connection(PART)?;
        let answer: RedisResult<Option<Vec<u8>>> =
            redis::cmd("HGET").arg(channel(topic)).arg(key).query_async(&mut connection).await;
        let (entry, end) = decode(key, &self.redis.answered(PART, answer)??)?;
        (self.clock.now() < end).then_some(entry)
    }

    async fn all(&self, topic: Topic) -> Vec<Entry> {
        self.inner.know(topic.name);
        let mut all: BTreeMap<String, Entry> = BTreeMap::new();
        let own = self.inner.memory.all(topic);
        let shared = self.shared_all(topic).await.unwrap_or_default();
        for entry in own.into_iter().chain(shared) {
            let held = all.remove(&entry.key);
            if let Some(best) = newer(held, Some(entry)) {
                all.insert(best.key.clone(), best);
            }
        }
        all.into_values().filter(|entry| entry.value.is_some()).collect()
    }

    async fn shared_all(&self, topic: Topic) -> Option<Vec<Entry>> {
        let mut connection = self.redis.connection(PART)?;
        let now = self.clock.now();
        let answer: RedisResult<Vec<(String, Vec<u8>)>> =
            LIST.key(channel(topic)).arg(moment(now)).invoke_async(&mut connection).await;
        let found = self.redis.answered(PART, answer)?;
        Some(found.iter().filter_map(|(key, value)| Some(decode(key, value)?.0)).collect())
    }
}

impl Inner {
    fn know(&self, name: &'static str) {
        if !self.names.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
            self.names.write().unwrap_or_else(PoisonError::into_inner).insert(name);
        }
    }

    /// The topic of a channel, if this program knows it.
    fn topic(&self, channel: &str) -> Option<Topic> {
        let (name, org) = channel.strip_prefix(PREFIX)?.rsplit_once(':')?;
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let name = names.get(name).copied()?;
        Some(Topic { name, org: OrgId::new(org.parse::<Uuid>().ok()?) })
    }
}

impl Part for Inner {
    fn returned<'a>(&'a self, _connection: &'a mut MultiplexedConnection) -> BoxFuture<'a, RedisResult<()>> {
        // What others said meanwhile was not heard.
        self.memory.hub().tell_missed();
        Box::pin(std::future::ready(Ok(())))
    }

    fn hear(&self, message: &redis::Msg) {
        let Some(topic) = self.topic(message.get_channel_name()) else { return };
        let Some((entry, end)) = heard(message.get_payload_bytes()) else { return };
        let holds = self.memory.newest(topic, &entry.key).is_some();
        if !holds && !self.memory.hub().has_subscribers(topic) {
            return;
        }
        let left = end.duration_since(self.clock.now());
        if left > SignedDuration::ZERO {
            self.memory.take(topic, entry, left.unsigned_abs());
        }
    }

    fn channels(&self) -> Option<&'static str> {
        Some(PATTERN)
    }
}

impl Live for RedisLive {
    fn put(&self, topic: Topic, entry: Entry, ttl: Duration) -> BoxFuture<'_, bool> {
        Box::pin(self.take(topic, entry, ttl))
    }

    fn get<'a>(&'a self, topic: Topic, key: &'a str) -> BoxFuture<'a, Option<Entry>> {
        Box::pin(self.find(topic, key))
    }

    fn list(&self, topic: Topic) -> BoxFuture<'_, Vec<Entry>> {
        Box::pin(self.all(topic))
    }

    fn subscribe(&self, topic: Topic) -> Subscription {
        self.inner.know(topic.name);
        self.inner.memory.subscribe(topic)
    }
}

fn newer(one: Option<Entry>, other: Option<Entry>) -> Option<Entry> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.at > one.at { other } else { one }),
        (one, other) => one.or(other),
    }
}

fn channel(topic: Topic) -> String {
    format!("{PREFIX}{}:{}", topic.name, topic.org.uuid())
}

/// Text that sorts like the moment. Before 1970 is nothing that is live.
fn moment(at: Timestamp) -> String {
    format!("{:0DIGITS$}", at.as_microsecond().max(0))
}

fn encode(entry: &Entry, end: Timestamp) -> Vec<u8> {
    let kind = if entry.value.is_some() { b'+' } else { b'-' };
    let mut bytes = format!("{}{}", moment(entry.at), moment(end)).into_bytes();
    bytes.push(kind);
    bytes.extend_from_slice(entry.value.as_deref().unwrap_or_default());
    bytes
}

fn decode(key: &str, bytes: &[u8]) -> Option<(Entry, Timestamp)> {
    let (head, value) = (bytes.get(..HEAD)?, bytes.get(HEAD..)?);
    let read = |digits: &[u8]| {
        let micros = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Timestamp::from_microsecond(micros).ok()
    };
    let value = (head[2 * DIGITS] == b'+').then(|| Bytes::copy_from_slice(value));
    let entry = Entry { key: key.to_owned(), at: read(&head[..DIGITS])?, value };
    Some((entry, read(&head[DIGITS..2 * DIGITS])?))
}

/// A message: length of the key, key, value.
fn heard(payload: &[u8]) -> Option<(Entry, Timestamp)> {
    let length: usize = std::str::from_utf8(payload.get(..8)?).ok()?.parse().ok()?;
    let key = std::str::from_utf8(payload.get(8..8 + length)?).ok()?;
    decode(key, payload.get(8 + length..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_out_as_it_went_in() {
        let at: Timestamp = "2026-11-20T12:00:00.123456Z".parse().unwrap();
        for value in [None, Some(Bytes::new()), Some(Bytes::from_static(b"\0+\xff"))] {
            let entry = Entry { key: "a".to_owned(), at, value };
            assert_eq!(decode("a", &encode(&entry, at)), Some((entry, at)));
        }
        assert_eq!(decode("a", b"rubbish"), None);
        assert!(moment(at) < moment(at + SignedDuration::from_micros(1)));
    }
}
