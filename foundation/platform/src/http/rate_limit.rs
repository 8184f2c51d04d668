//! Rate limits, and the fields that announce them (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! The algorithm is GCRA: a quota of `q` requests refills evenly over a window of `w` seconds; unused quota can be
//! spent at once. What is announced holds: `r` requests are free now, after `t` seconds the whole quota is free
//! again, and after `Retry-After` seconds the next request is accepted. A client that obeys is never limited.
//!
//! Time is the clock that was handed in. The memory implementation serves one process; more gateways share theirs
//! through an implementation of [`RateLimiter`] in an adapter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use kernel::time::SharedClock;

use super::header::{RATELIMIT, RATELIMIT_POLICY};
use crate::{Error, Kind, Result};

/// A quota per window, under the name that the fields carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `[a-z_-]+`.
    pub name: &'static str,
    /// Requests per window; at least 1.
    pub quota: u32,
    /// The window, in whole seconds; at least 1.
    pub window: Duration,
}

/// Whether a request may pass, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// `None`: it may pass. Otherwise how long to wait.
    pub retry_after: Option<Duration>,
    /// Requests that would pass right now.
    pub remaining: u32,
    /// When the whole quota is free again.
    pub reset: Duration,
}

/// Counts requests per key.
pub trait RateLimiter: Send + Sync {
    /// Counts one request. A refused request costs nothing.
    fn check<'a>(&'a self, policy: &'a Policy, key: &'a str) -> BoxFuture<'a, Result<Decision>>;
}

/// Counts in the memory of this process.
pub struct MemoryLimiter {
    clock: SharedClock,
    /// Per policy and key the theoretical arrival time (microseconds since 1970) at which the quota is whole again.
    whole_at: Mutex<HashMap<(&'static str, String), i64>>,
}

impl std::fmt::Debug for MemoryLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryLimiter")
    }
}

/// When so many keys are held, those whose quota is whole are forgotten (they are as good as new).
const SWEEP_AT: usize = 10_000;

impl MemoryLimiter {
    /// A limiter that reads this clock.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, whole_at: Mutex::default() }
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.whole_at.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What [`RateLimiter::check`] would decide, without counting. A clock that was set back is taken into account as there.
    pub fn peek(&self, policy: &Policy, key: &str) -> Decision {
        let now = self.clock.now().as_microsecond();
        let mut keys = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(whole_at) = keys.get_mut(&(policy.name, key.to_owned())) else {
            return decide(policy, now, now).0;
        };
        *whole_at = (*whole_at).clamp(now, now + steps(policy).1);
        decide(policy, now, *whole_at).0
    }

    fn count(&self, policy: &Policy, key: &str) -> Decision {
        let now = self.clock.now().as_microsecond();
        let mut keys = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= SWEEP_AT {
            keys.retain(|_, whole_at| *whole_at > now);
        }
        let whole_at = keys.entry((policy.name, key.to_owned())).or_insert(now);
        let (decision, next) = decide(policy, now, *whole_at);
        *whole_at = next;
        decision
    }
}

/// Steps of a policy in microseconds: between two requests of an even client, and of the whole window.
pub fn steps(policy: &Policy) -> (i64, i64) {
    let window = i64::try_from(policy.window.as_micros()).unwrap_or(i64::MAX).max(1);
    let quota = i64::from(policy.quota.max(1));
    let step = (window / quota).max(1);
    (step, step * quota)
}

/// One step of GCRA in microseconds: the decision and the next theoretical arrival time. Whoever counts elsewhere stores
/// what this returns.
pub fn decide(policy: &Policy, now: i64, whole_at: i64) -> (Decision, i64) {
    let (step, window) = steps(policy);
    // A clock that was moved back must not lock anybody out for longer than one window.
    let whole_at = whole_at.clamp(now, now + window);
    let next = whole_at + step;
    let over = next - (now + window);
    let (retry_after, next) = if over > 0 { (Some(micros(over)), whole_at) } else { (None, next) };
    let free = (now + window - next).max(0) / step;
    let remaining = u32::try_from(free).unwrap_or(u32::MAX);
    (Decision { retry_after, remaining, reset: micros(next - now) }, next)
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

impl RateLimiter for MemoryLimiter {
    fn check<'a>(&'a self, policy: &'a Policy, key: &'a str) -> BoxFuture<'a, Result<Decision>> {
        Box::pin(std::future::ready(Ok(self.count(policy, key))))
    }
}

/// What was counted while a request was answered. The gate puts one into each request and announces what is in it, so
/// that quotas which a handler counts (guesses of one account) are as honest as its own.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Mutex<Vec<(Policy, Decision)>>>);

impl Counts {
    /// Notes a decision for the answer.
    pub fn note(&self, policy: Policy, decision: Decision) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((policy, decision));
    }

    /// Writes `RateLimit-Policy` and `RateLimit`, behind what a service further in has written.
    pub fn announce(&self, headers: &mut HeaderMap) {
        for (policy, decision) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            decision.announce(policy, headers);
        }
    }
}

impl Decision {
    /// 429 when the request may not pass.
    pub fn enforce(&self) -> Result<()> {
        let Some(wait) = self.retry_after else {
            return Ok(());
        };
        Err(Error::new(Kind::TooMany, "rate_limited", "Too many requests; wait as long as Retry-After says.")
            .with_retry_after(wait))
    }

    /// Adds an item to the lists `RateLimit-Policy` and `RateLimit`.
    pub fn announce(&self, policy: &Policy, headers: &mut HeaderMap) {
        let name = policy.name;
        let fields = [
            (RATELIMIT_POLICY, format!("\"{name}\";q={};w={}", policy.quota, policy.window.as_secs())),
            (RATELIMIT, format!("\"{name}\";r={};t={}", self.remaining, seconds_up(self.reset))),
        ];
        for (field, text) in fields {
            let before = headers.get(&field).and_then(|value| value.to_str().ok());
            let text = before.map_or_else(|| text.clone(), |before| format!("{before}, {text}"));
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(field, value);
            }
        }
    }
}

/// Rounded up: after so many whole seconds it is certainly so.
fn seconds_up(duration: Duration) -> u128 {
    duration.as_millis().div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use kernel::random::Random;
    use kernel::time::{ManualClock, SignedDuration, Timestamp};

    use super::*;

    const POLICY: Policy = Policy { name: "default", quota: 10, window: Duration::from_mins(1) };

    fn limiter() -> (MemoryLimiter, ManualClock) {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        (MemoryLimiter::new(Arc::new(clock.clone())), clock)
    }

    fn seconds(seconds: u128) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(seconds).unwrap())
    }

    #[test]
    fn the_quota_can_be_spent_at_once_and_no_more() {
        let (limiter, _clock) = limiter();
        for left in (0..10).rev() {
            let decision = limiter.count(&POLICY, "a");
            assert_eq!((decision.retry_after, decision.remaining), (None, left));
        }
        let refused = limiter.count(&POLICY, "a");
        assert_eq!(refused.retry_after, Some(Duration::from_secs(6)));
        assert_eq!(refused.enforce().unwrap_err().kind().status(), 429);
        assert_eq!(limiter.count(&POLICY, "b").retry_after, None, "another key has its own quota");
    }

    #[test]
    fn the_fields_have_the_form_of_the_draft() {
        let (limiter, _clock) = limiter();
        let mut headers = HeaderMap::new();
        limiter.count(&POLICY, "a").announce(&POLICY, &mut headers);
        assert_eq!(headers[RATELIMIT_POLICY], "\"default\";q=10;w=60");
        assert_eq!(headers[RATELIMIT], "\"default\";r=9;t=6");
    }

    #[test]
    fn several_quotas_stand_in_one_list() {
        let (limiter, _clock) = limiter();
        let strict = Policy { name: "account", quota: 5, ..POLICY };
        let (counts, mut headers) = (Counts::default(), HeaderMap::new());
        counts.note(strict, limiter.count(&strict, "a"));
        counts.note(POLICY, limiter.count(&POLICY, "a"));
        counts.announce(&mut headers);
        assert_eq!(headers[RATELIMIT], "\"account\";r=4;t=12, \"default\";r=9;t=6");
        assert_eq!(headers[RATELIMIT_POLICY], "\"account\";q=5;w=60, \"default\";q=10;w=60");
    }

    /// Spends what it is told is free, waits as it is told, in many random rhythms.
    #[test]
    fn a_client_that_obeys_is_never_limited() {
        for (seed, quota) in [(1, 1), (2, 3), (3, 10), (4, 100), (5, 7)] {
            let policy = Policy { quota, ..POLICY };
            let (limiter, clock) = limiter();
            let random = Random::seeded(seed);
            let mut last = limiter.count(&policy, "a");
            for _ in 0..2000 {
                assert_eq!(last.retry_after, None);
                if last.remaining == 0 {
                    clock.advance(seconds(seconds_up(last.reset)));
                } else if random.below(3) == 0 {
                    clock.advance(SignedDuration::from_millis(i64::try_from(random.below(9000)).unwrap()));
                }
                last = limiter.count(&policy, "a");
            }
        }
    }

    #[test]
    fn retry_after_is_the_truth() {
        let (limiter, clock) = limiter();
        for _ in 0..50 {
            let decision = limiter.count(&POLICY, "a");
            if let Some(wait) = decision.retry_after {
                clock.advance(seconds(seconds_up(wait)));
                assert_eq!(limiter.count(&POLICY, "a").retry_after, None);
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (limiter, clock) = limiter();
        limiter.count(&POLICY, "a");
        clock.advance(SignedDuration::from_hours(-5));
        assert_eq!(limiter.count(&POLICY, "a").retry_after.unwrap_or_default().as_secs(), 6);
        clock.advance(SignedDuration::from_secs(6));
        assert_eq!(limiter.count(&POLICY, "a").retry_after, None);
    }

    #[test]
    fn keys_whose_quota_is_whole_are_forgotten() {
        let (limiter, clock) = limiter();
        for key in 0..SWEEP_AT {
            limiter.count(&POLICY, &key.to_string());
        }
        clock.advance(SignedDuration::from_mins(2));
        limiter.count(&POLICY, "another");
        assert_eq!(limiter.len(), 1);
    }
}
