//! An installation whose time somebody else moves: what is left to do at a moment.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::clock::left::Left;
use platform::clock::sim::Remaining;
use platform::db::Wake;
use tokio::sync::Mutex;

use crate::installation::Installation;

/// How often those who have work are woken: at once when time has moved, which rings no bell by itself, and again should a
/// wake-up have been lost.
const RING: Duration = Duration::from_millis(100);

/// What is left in log, consumers and due jobs. Requests are counted by who sends them.
pub(crate) fn remaining(installation: &Installation) -> Remaining {
    let (system, wake) = (installation.system.clone(), installation.wake.clone());
    let (clock, rung) = (Arc::clone(&installation.clock), Arc::new(Mutex::new(None)));
    Arc::new(move || {
        let (system, wake) = (system.clone(), wake.clone());
        let (clock, rung) = (Arc::clone(&clock), Arc::clone(&rung));
        Box::pin(async move {
            match Left::at(&system, clock.now()).await {
                Ok(left) if left.is_nothing() => {
                    *rung.lock().await = None;
                    None
                }
                Ok(left) => {
                    ring(&wake, &left, &mut *rung.lock().await);
                    Some(left.to_string())
                }
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "it could not be seen what is left to do");
                    Some("what the database did not answer".to_owned())
                }
            }
        })
    })
}

/// Nobody waits for the next poll: the one who moves the time waits for everybody. What committed has rung by itself, so only
/// jobs are rung for at first.
fn ring(wake: &Wake, left: &Left, rung: &mut Option<Instant>) {
    let lost = rung.is_some_and(|last| last.elapsed() >= RING);
    if rung.is_some() && !lost {
        return;
    }
    *rung = Some(Instant::now());
    for service in left.jobs.iter().map(|(service, _)| service).collect::<BTreeSet<_>>() {
        wake.ring_jobs(service);
    }
    if lost && left.outbox {
        wake.ring_outbox();
    }
    if lost && !left.consumers.is_empty() {
        wake.ring_log();
    }
}
