//! Rate limits that processes share: GCRA in one script, so that counting is one step on the server.

use std::sync::LazyLock;

use futures::future::BoxFuture;
use kernel::time::SharedClock;
use platform::Result;
use platform::http::rate_limit::{Decision, MemoryLimiter, Policy, RateLimiter, decide, steps};
use redis::{RedisResult, Script};

use crate::server::Redis;

const PART: &str = "rate_limits";

/// The same steps as `platform::http::rate_limit::decide`; the last argument says whether the request counts. Returns when the quota was whole before this request; the time is the
/// caller's, because the policy is. Numbers are microseconds, exact up to 2^53.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now, step, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
         local whole_at = tonumber(redis.call('GET', KEYS[1]) or now)
         if whole_at < now then whole_at = now end
         if whole_at > now + window then whole_at = now + window end
         local next = whole_at
         if ARGV[4] == '1' and whole_at + step <= now + window then next = whole_at + step end
         local ms = math.ceil((next - now) / 1000)
         redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.max(ms, 1) + 60000)
         return string.format('%.0f', whole_at)",
    )
});

/// Counts in Redis and, along with it, in the memory of this process: the stricter of the two decides. So a server that is
/// emptied all the time, or is away, never gives more than one process would.
#[derive(Debug)]
pub struct RedisLimiter {
    redis: Redis,
    clock: SharedClock,
    own: MemoryLimiter,
}

impl RedisLimiter {
    /// On this server, with this clock.
    pub fn new(redis: &Redis, clock: SharedClock) -> Self {
        Self { redis: redis.clone(), own: MemoryLimiter::new(std::sync::Arc::clone(&clock)), clock }
    }

    async fn count(&self, policy: &Policy, key: &str) -> Result<Decision> {
        let own = self.own.peek(policy, key);
        let refused = own.retry_after.is_some();
        let shared = self.shared(policy, key, !refused).await;
        if refused {
            return Ok(own);
        }
        let Some(shared) = shared else { return self.own.check(policy, key).await };
        if shared.retry_after.is_some() {
            // A refused request costs nothing, here too.
            return Ok(shared);
        }
        let own = self.own.check(policy, key).await?;
        Ok(if own.reset > shared.reset { own } else { shared })
    }

    async fn shared(&self, policy: &Policy, key: &str, counts: bool) -> Option<Decision> {
        let mut connection = self.redis.connection(PART)?;
        let now = self.clock.now().as_microsecond();
        let (step, window) = steps(policy);
        let answer: RedisResult<String> = COUNT
            .key(format!("dropmate:limit:{}:{key}", policy.name))
            .arg(now)
            .arg(step)
            .arg(window)
            .arg(u8::from(counts))
            .invoke_async(&mut connection)
            .await;
        let whole_at = self.redis.answered(PART, answer)?.parse().ok()?;
        Some(decide(policy, now, whole_at).0)
    }
}

impl RateLimiter for RedisLimiter {
    fn check<'a>(&'a self, policy: &'a Policy, key: &'a str) -> BoxFuture<'a, Result<Decision>> {
        Box::pin(self.count(policy, key))
    }
}
