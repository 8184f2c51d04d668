//! Time as a parameter. Business code never asks the machine what time it is; it is given a [`Clock`].
//!
//! The two implementations that read something real live above this crate: the system clock and the
//! simulated clock of a sandbox are in `platform::clock`, because reading them is I/O.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use jiff::{SignedDuration, Timestamp};

/// Where business time comes from. UTC always; people see the zone of their shop.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment, at a resolution of one microsecond (what PostgreSQL stores).
    fn now(&self) -> Timestamp;
}

/// A clock as it is passed around.
pub type SharedClock = Arc<dyn Clock>;

/// A clock that stands still until it is moved. For tests and simulations.
#[derive(Debug, Clone)]
pub struct ManualClock {
    microseconds: Arc<AtomicI64>,
}

impl ManualClock {
    /// Starts at the given moment.
    pub fn at(start: Timestamp) -> Self {
        Self { microseconds: Arc::new(AtomicI64::new(start.as_microsecond())) }
    }

    /// Moves forward (or back, with a negative duration).
    pub fn advance(&self, by: SignedDuration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.microseconds.fetch_add(micros, Ordering::SeqCst);
    }

    /// Jumps to the given moment.
    pub fn set(&self, to: Timestamp) {
        self.microseconds.store(to.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let micros = self.microseconds.load(Ordering::SeqCst);
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let clock = ManualClock::at(start);
        assert_eq!(clock.now(), start);
        clock.advance(SignedDuration::from_mins(90));
        assert_eq!(clock.now().to_string(), "2026-11-20T13:30:00Z");
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
