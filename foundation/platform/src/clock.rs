//! The clock of the machine, behind the trait of `kernel::time`.
//!
//! The simulated clock of a sandbox ([`sim`]) is moved by a hub ([`hub`]) through a control socket, which
//! may wait until nothing is left to do ([`left`]).

pub mod hub;
pub mod left;
pub mod sim;

use kernel::random::Random;
use kernel::time::{Clock, Timestamp};

/// The operating system's clock, cut to microseconds (what PostgreSQL stores).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// The product's source of randomness, seeded from the operating system.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine for randomness")]
pub fn system_random() -> Random {
    Random::from_entropy(rand::random())
}
