//! The implementations in memory pass the suites that shared ones must pass; flawed ones do not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use platform::cache::{Cache, Key, MemoryCache};
use platform::db::BoxFuture;
use platform::http::rate_limit::{MemoryLimiter, RateLimiter};
use platform::live::{Entry, Live, MemoryLive, Subscription, Topic};
use testkit::conformance;

#[tokio::test]
async fn memory_is_a_cache() {
    Box::pin(conformance::cache(async |clock| {
        Arc::new(MemoryCache::new(Arc::new(clock), 1 << 20)) as Arc<dyn Cache>
    }))
    .await;
}

#[tokio::test]
async fn memory_is_a_live_store() {
    Box::pin(conformance::live(async |clock| {
        let store = MemoryLive::new(Arc::new(clock));
        [Arc::new(store.clone()) as Arc<dyn Live>, Arc::new(store)]
    }))
    .await;
}

#[tokio::test]
async fn memory_is_a_rate_limiter() {
    Box::pin(conformance::rate_limiter(async |clock| {
        Arc::new(MemoryLimiter::new(Arc::new(clock))) as Arc<dyn RateLimiter>
    }))
    .await;
}

/// Keeps what arrives last.
#[derive(Debug)]
struct LastWins(MemoryLive);

impl Live for LastWins {
    fn put(&self, topic: Topic, mut entry: Entry, ttl: Duration) -> BoxFuture<'_, bool> {
        if let Some(held) = self.0.newest(topic, &entry.key).filter(|held| held.at >= entry.at) {
            entry.at = held.at + kernel::time::SignedDuration::from_micros(1);
        }
        self.0.put(topic, entry, ttl)
    }

    fn get<'a>(&'a self, topic: Topic, key: &'a str) -> BoxFuture<'a, Option<Entry>> {
        self.0.get(topic, key)
    }

    fn list(&self, topic: Topic) -> BoxFuture<'_, Vec<Entry>> {
        self.0.list(topic)
    }

    fn subscribe(&self, topic: Topic) -> Subscription {
        self.0.subscribe(topic)
    }
}

#[tokio::test]
#[should_panic(expected = "after Some")]
async fn mutant_where_the_last_one_wins_does_not_pass() {
    Box::pin(conformance::live(async |clock| {
        let store = MemoryLive::new(Arc::new(clock));
        [Arc::new(LastWins(store.clone())) as Arc<dyn Live>, Arc::new(LastWins(store))]
    }))
    .await;
}

/// Forgets whose a value is.
#[derive(Debug)]
struct Blind(MemoryCache);

fn blind(key: &Key) -> Key {
    Key::global(key.namespace(), key.to_string().rsplit(':').next().unwrap())
}

impl Cache for Blind {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(async move { self.0.get(&blind(key)).await })
    }

    fn put<'a>(&'a self, key: &'a Key, value: Bytes, ttl: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.put(&blind(key), value, ttl).await })
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.delete(&blind(key)).await })
    }
}

#[tokio::test]
#[should_panic(expected = "left == right")]
async fn mutant_that_forgets_the_organisation_does_not_pass() {
    Box::pin(conformance::cache(async |clock| {
        Arc::new(Blind(MemoryCache::new(Arc::new(clock), 1 << 20))) as Arc<dyn Cache>
    }))
    .await;
}
