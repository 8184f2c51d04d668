//! A circuit breaker: when a target cannot be reached several times in a row, callers are told at once for a moment
//! instead of each waiting for its own failure; then one of them tries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open before one call may try. Short: a service that was restarted is found again soon.
const OPEN: Duration = Duration::from_millis(250);

/// The state of one target, shared by all its callers.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when nobody is let through.
    open_until: Option<Instant>,
    /// Somebody is trying whether it is back.
    probing: bool,
}

/// The right to call once. Without a verdict (the caller went away) nothing is learned.
#[derive(Debug)]
pub(super) struct Permit {
    breaker: Breaker,
    probe: bool,
}

impl Breaker {
    /// Lets a call through, or says how long to wait.
    pub(super) fn admit(&self) -> Result<Permit, Duration> {
        self.with(|state| {
            let Some(until) = state.open_until else { return Ok(false) };
            let wait = until.saturating_duration_since(Instant::now());
            if wait.is_zero() && !state.probing {
                state.probing = true;
                return Ok(true);
            }
            Err(wait.max(Duration::from_millis(1)))
        })
        .map(|probe| Permit { breaker: self.clone(), probe })
    }

    /// Whether callers are turned away.
    pub(super) fn is_open(&self) -> bool {
        self.with(|state| state.open_until.is_some())
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Permit {
    /// It was reached.
    pub(super) fn reached(&self) {
        self.breaker.with(|state| (state.failures, state.open_until) = (0, None));
    }

    /// It was not.
    pub(super) fn failed(&self) {
        self.breaker.with(|state| {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES {
                state.open_until = Some(Instant::now() + OPEN);
            }
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.with(|state| state.probing = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| breaker.admit().expect("a permit").failed());
    }

    #[tokio::test(start_paused = true)]
    async fn after_failures_in_a_row_callers_are_turned_away_and_one_tries() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES - 1);
        breaker.admit().expect("one success begins the count again").reached();
        fail(&breaker, FAILURES);
        assert_eq!(breaker.admit().unwrap_err(), OPEN);
        tokio::time::advance(OPEN).await;
        let probe = breaker.admit().expect("one may try");
        assert!(breaker.admit().is_err(), "and only one");
        probe.failed();
        drop(probe);
        assert!(breaker.admit().is_err(), "open again");
        tokio::time::advance(OPEN).await;
        drop(breaker.admit().expect("a caller that goes away"));
        breaker.admit().expect("does not keep the others out").reached();
        assert!(breaker.admit().is_ok() && breaker.admit().is_ok() && !breaker.is_open());
    }
}
