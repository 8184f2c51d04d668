//! The suites that the platform's own implementations pass.

use std::sync::{Arc, Mutex};

use kernel::time::{ManualClock, SharedClock};
use platform::cache::Cache;
use platform::http::rate_limit::RateLimiter;
use platform::live::Live;
use redis_adapter::{RedisCache, RedisLimiter, RedisLive};
use testkit::{RedisServer, conformance};

use crate::Process;

fn shared(clock: ManualClock) -> SharedClock {
    Arc::new(clock)
}

#[tokio::test]
async fn redis_is_a_cache() {
    let (server, processes) = (RedisServer::start().unwrap(), Mutex::new(Vec::new()));
    Box::pin(conformance::cache(async |clock| {
        server.wipe().unwrap();
        let mut process = Process::of(&server).await;
        let cache = RedisCache::new(&process.redis, shared(clock), 1 << 20);
        process.watch().await;
        processes.lock().unwrap().push(process);
        Arc::new(cache) as Arc<dyn Cache>
    }))
    .await;
}

#[tokio::test]
async fn redis_is_a_live_store() {
    let (server, processes) = (RedisServer::start().unwrap(), Mutex::new(Vec::new()));
    Box::pin(conformance::live(async |clock| {
        server.wipe().unwrap();
        let mut stores = Vec::new();
        for _ in 0..2 {
            let mut process = Process::of(&server).await;
            stores.push(Arc::new(RedisLive::new(&process.redis, shared(clock.clone()))) as Arc<dyn Live>);
            process.watch().await;
            processes.lock().unwrap().push(process);
        }
        <[_; 2]>::try_from(stores).unwrap()
    }))
    .await;
}

#[tokio::test]
async fn redis_is_a_rate_limiter() {
    let (server, processes) = (RedisServer::start().unwrap(), Mutex::new(Vec::new()));
    Box::pin(conformance::rate_limiter(async |clock| {
        server.wipe().unwrap();
        let mut process = Process::of(&server).await;
        let limiter = RedisLimiter::new(&process.redis, shared(clock));
        process.watch().await;
        processes.lock().unwrap().push(process);
        Arc::new(limiter) as Arc<dyn RateLimiter>
    }))
    .await;
}
