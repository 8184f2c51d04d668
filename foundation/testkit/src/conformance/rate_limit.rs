//! Rate limiters: each decides like the one in memory, which has proofs of its own.

use std::sync::Arc;
use std::time::Duration;

use kernel::random::Random;
use kernel::time::{ManualClock, SignedDuration, Timestamp};
use platform::http::rate_limit::{MemoryLimiter, Policy, RateLimiter};

/// Runs the suite; `make` gives a limiter that has counted nothing and reads this clock.
pub async fn rate_limiter<F>(make: F)
where
    F: AsyncFn(ManualClock) -> Arc<dyn RateLimiter>,
{
    let policies = [
        Policy { name: "default", quota: 10, window: Duration::from_mins(1) },
        Policy { name: "strict", quota: 1, window: Duration::from_secs(7) },
        Policy { name: "wide", quota: 1000, window: Duration::from_hours(1) },
    ];
    for seed in 0..3 {
        let clock = ManualClock::at(crate::database::START.parse::<Timestamp>().expect("a moment"));
        let (limiter, reference) = (make(clock.clone()).await, MemoryLimiter::new(Arc::new(clock.clone())));
        let random = Random::seeded(seed);
        let below = |bound: u64| random.below(bound);
        for step in 0..400 {
            let policy = &policies[usize::try_from(below(3)).expect("small")];
            let key = ["user_1", "user_2", "10.0.0.1"][usize::try_from(below(3)).expect("small")];
            let decided = limiter.check(policy, key).await.expect("a decision");
            let expected = reference.check(policy, key).await.expect("a decision");
            assert_eq!(decided, expected, "seed {seed}, step {step}, {} of {key}", policy.name);
            let ahead = i64::try_from(below(2_000)).expect("small");
            match below(20) {
                0 => clock.advance(SignedDuration::from_secs(ahead)),
                // Set back: nobody is locked out for longer than a window.
                1 => clock.advance(SignedDuration::from_secs(-ahead)),
                2..12 => clock.advance(SignedDuration::from_millis(ahead)),
                _ => {}
            }
        }
    }
}
