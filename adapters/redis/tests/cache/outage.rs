//! The server is emptied, killed and paused: everything goes on, and comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kernel::ids::{OrgId, Uuid};
use kernel::time::{ManualClock, SharedClock, SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use platform::cache::{Cache, Key, Loading};
use platform::http::rate_limit::{Policy, RateLimiter};
use platform::lifecycle::pause;
use platform::live::{Change, Entry, Live, Topic};
use redis_adapter::{RedisCache, RedisLimiter, RedisLive};
use testkit::{Proof, RedisServer};

use crate::Process;

const MINUTE: Duration = Duration::from_mins(1);
const QUOTA: u32 = 200;

fn start() -> Timestamp {
    testkit::database::START.parse().unwrap()
}

fn topic() -> Topic {
    Topic { name: "drivers", org: OrgId::new(Uuid::from_u128(1)) }
}

fn position(second: i64) -> Entry {
    let at = start() + SignedDuration::from_secs(second);
    Entry { key: "driver".to_owned(), at, value: Some(Bytes::from(second.to_string())) }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "in vain waited until {what}");
        pause(Duration::from_millis(10)).await;
    }
}

/// What one process does all the time, and what it found.
struct Load {
    operations: u64,
    slowest: Duration,
    allowed: u32,
}

async fn work(process: &Process, clock: SharedClock, stop: &AtomicBool) -> Load {
    let loading = Loading::new(Arc::new(RedisCache::new(&process.redis, Arc::clone(&clock), 1 << 20)));
    let (live, limiter) =
        (RedisLive::new(&process.redis, Arc::clone(&clock)), RedisLimiter::new(&process.redis, clock));
    let policy = Policy { name: "default", quota: QUOTA, window: Duration::from_hours(1) };
    let mut load = Load { operations: 0, slowest: Duration::ZERO, allowed: 0 };
    let mut second = 0;
    while !stop.load(Ordering::Relaxed) {
        second += 1;
        let begun = Instant::now();
        let name = second % 50;
        let key = Key::global("square", name);
        let value =
            loading.get_or_load(&key, MINUTE, async { Ok(Bytes::from((name * name).to_string())) }).await;
        assert_eq!(value.unwrap(), Bytes::from((name * name).to_string()));
        assert!(live.put(topic(), position(second), MINUTE).await, "newer than what it replaces");
        assert!(!live.put(topic(), position(second - 1), MINUTE).await, "an older one never comes back");
        assert_eq!(live.get(topic(), "driver").await, Some(position(second)));
        assert_eq!(live.list(topic()).await, [position(second)]);
        let decision = limiter.check(&policy, "user").await.unwrap();
        load.allowed += u32::from(decision.retry_after.is_none());
        load.operations += 6;
        load.slowest = load.slowest.max(begun.elapsed());
        tokio::task::yield_now().await;
    }
    load
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_cache_loss() {
    let proof = Proof::new("cache loss");
    let rounds = proof.size(1, 20);
    let mut server = RedisServer::start().unwrap();
    let clock: SharedClock = Arc::new(ManualClock::at(start()));
    let (process, stop) = (Process::of(&server).await, AtomicBool::new(false));
    let watched = process.redis.clone();
    let (mut flushed, cancel) = (0, tokio_util::sync::CancellationToken::new());
    let chaos = async {
        for _ in 0..rounds {
            for _ in 0..10 {
                server.wipe().unwrap();
                flushed += 1;
                pause(Duration::from_millis(100)).await;
            }
            server.kill();
            pause(Duration::from_millis(300)).await;
            server.restart().unwrap();
            until("it is used again", || process.redis.is_there()).await;
            server.server().signal(Signal::SIGSTOP).unwrap();
            pause(Duration::from_millis(600)).await;
            server.server().signal(Signal::SIGCONT).unwrap();
            until("it is used again", || process.redis.is_there()).await;
        }
        stop.store(true, Ordering::Relaxed);
        cancel.cancel();
    };
    let (load, (), ()) =
        tokio::join!(work(&process, clock, &stop), chaos, watched.watch(cancel.clone(), |_state| ()));
    assert_eq!(load.allowed, QUOTA, "neither more nor less, whatever the server forgot");
    assert!(load.slowest < Duration::from_secs(2), "{:?}", load.slowest);
    proof.report(&format!(
        "{} operations, server emptied {flushed} times, killed {rounds} times, paused {rounds} times: 0 wrong values, 0 older values, \
         {} of {QUOTA} requests allowed; slowest six operations {} ms",
        load.operations,
        load.allowed,
        load.slowest.as_millis()
    ));
}

#[tokio::test]
async fn what_was_deleted_while_the_server_was_away_does_not_come_back() {
    let server = RedisServer::start().unwrap();
    let clock: SharedClock = Arc::new(ManualClock::at(start()));
    let mut process = Process::of(&server).await;
    let cache = RedisCache::new(&process.redis, clock, 1 << 20);
    process.watch().await;
    let (deleted, kept) = (Key::global("one", "a"), Key::global("one", "b"));
    cache.put(&deleted, Bytes::from("old"), MINUTE).await;
    cache.put(&kept, Bytes::from("old"), MINUTE).await;
    server.server().signal(Signal::SIGSTOP).unwrap();
    cache.delete(&deleted).await;
    until("it counts as away", || !process.redis.is_there()).await;
    assert_eq!(cache.get(&deleted).await, None);
    cache.put(&deleted, Bytes::from("of the time between"), MINUTE).await;
    assert_eq!(cache.get(&deleted).await, Some(Bytes::from("of the time between")));
    server.server().signal(Signal::SIGCONT).unwrap();
    until("it is used again", || process.redis.is_there()).await;
    assert_eq!(cache.get(&deleted).await, None, "neither the old value nor the one of this process alone");
    assert_eq!(
        cache.get(&kept).await,
        Some(Bytes::from("old")),
        "the server did have its values all the time"
    );
}

#[tokio::test]
async fn processes_hear_each_other_again_and_are_told_that_they_missed_something() {
    let mut server = RedisServer::start().unwrap();
    let clock: SharedClock = Arc::new(ManualClock::at(start()));
    let (mut one, mut other) = (Process::of(&server).await, Process::of(&server).await);
    let (here, there) = (RedisLive::new(&one.redis, Arc::clone(&clock)), RedisLive::new(&other.redis, clock));
    one.watch().await;
    other.watch().await;
    let mut subscription = there.subscribe(topic());
    here.put(topic(), position(1), MINUTE).await;
    assert_eq!(subscription.next().await, Some(Change::Entry(position(1))));
    server.kill();
    until("both know", || !one.redis.is_there() && !other.redis.is_there()).await;
    here.put(topic(), position(2), MINUTE).await;
    assert_eq!(here.list(topic()).await, [position(2)], "it goes on with what it knows");
    assert_eq!(there.list(topic()).await, [position(1)]);
    server.restart().unwrap();
    until("both are back", || one.redis.is_there() && other.redis.is_there()).await;
    assert_eq!(subscription.next().await, Some(Change::Missed));
    here.put(topic(), position(3), MINUTE).await;
    assert_eq!(subscription.next().await, Some(Change::Entry(position(3))));
    assert_eq!(there.get(topic(), "driver").await, Some(position(3)));
}

#[tokio::test]
async fn a_wrong_address_is_refused_and_a_server_that_is_away_is_not() {
    let error =
        redis_adapter::Redis::open(&"http://secret@x".to_owned().into()).await.unwrap_err().to_string();
    assert!(error.contains("REDIS_URL") && !error.contains("secret"), "{error}");
    let mut server = RedisServer::start().unwrap();
    server.kill();
    assert!(!redis_adapter::Redis::open(&server.url().into()).await.unwrap().is_there());
}
