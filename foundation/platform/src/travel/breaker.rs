//! A circuit breaker by business time: after [`FAILURES`] in a row a routing server is left alone for [`OPEN`], then one
//! question tries whether it is back.
//!
//! | state | a question | it fails | it succeeds |
//! |---|---|---|---|
//! | closed | is let through | counts; the fifth in a row opens | the count begins again |
//! | open | is turned away | | |
//! | half-open, after 30 s | one is let through, the others are turned away | opens again | closes |
//!
//! The breaker of the calls between services (`http::channel`) is another one: it is open for a quarter of a second of real
//! time, because a neighbour that was restarted is back soon.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::time::{SharedClock, SignedDuration, Timestamp};

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long nobody is let through.
const OPEN: SignedDuration = SignedDuration::from_secs(30);

/// The state of one server, shared by all who ask it.
#[derive(Debug, Clone)]
pub(super) struct Breaker {
    clock: SharedClock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Since when it is open.
    opened: Option<Timestamp>,
    /// Somebody tries whether it is back.
    trying: bool,
}

/// The right to ask once. Without a verdict (whoever asked went away) nothing is learned.
#[derive(Debug)]
pub(super) struct Permit {
    breaker: Breaker,
    trial: bool,
}

impl Breaker {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// Lets a question through, unless the circuit is open.
    pub(super) fn admit(&self) -> Option<Permit> {
        let now = self.clock.now();
        self.with(|state| {
            let Some(opened) = state.opened else { return Some(false) };
            // A clock that was set back must not keep it open for longer.
            let over = now.duration_since(opened) >= OPEN || now < opened;
            (over && !state.trying).then(|| {
                state.trying = true;
                true
            })
        })
        .map(|trial| Permit { breaker: self.clone(), trial })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Permit {
    /// The server answered.
    pub(super) fn succeeded(&self) {
        self.breaker.with(|state| (state.failures, state.opened) = (0, None));
    }

    /// It did not.
    pub(super) fn failed(&self) {
        let now = self.breaker.clock.now();
        self.breaker.with(|state| {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES {
                state.opened = Some(now);
            }
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.with(|state| state.trying = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::time::ManualClock;

    use super::*;

    fn breaker() -> (Breaker, ManualClock) {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        (Breaker::new(Arc::new(clock.clone())), clock)
    }

    fn fail(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| breaker.admit().expect("a permit").failed());
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let (breaker, _clock) = breaker();
        fail(&breaker, FAILURES - 1);
        breaker.admit().unwrap().succeeded();
        fail(&breaker, FAILURES - 1);
        assert!(breaker.admit().is_some());
        fail(&breaker, 1);
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn after_thirty_seconds_one_question_tries_and_the_others_wait_for_its_verdict() {
        let (breaker, clock) = breaker();
        fail(&breaker, FAILURES);
        clock.advance(OPEN - SignedDuration::from_millis(1));
        assert!(breaker.admit().is_none());
        clock.advance(SignedDuration::from_millis(1));
        let trial = breaker.admit().expect("one may try");
        assert!(breaker.admit().is_none(), "and only one");
        trial.failed();
        drop(trial);
        assert!(breaker.admit().is_none(), "open again");
        clock.advance(OPEN);
        drop(breaker.admit().expect("somebody who goes away without a verdict"));
        breaker.admit().expect("does not keep the others out").succeeded();
        assert!(breaker.admit().is_some() && breaker.admit().is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let (breaker, clock) = breaker();
        fail(&breaker, FAILURES);
        clock.advance(SignedDuration::from_hours(-1));
        assert!(breaker.admit().is_some());
    }
}
