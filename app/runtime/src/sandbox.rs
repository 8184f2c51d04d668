//! An installation whose time somebody else moves: whether it is done with what there was to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::clock::left::Left;
use platform::clock::sim::Idle;
use platform::db::Wake;
use tokio::sync::Mutex;

use crate::installation::Installation;

/// How often everybody is woken while there is work: a wake-up may be lost, and a new time rings no bell by itself.
const RING: Duration = Duration::from_millis(25);

/// Whether log, consumers and due jobs are drained. Requests are counted by who sends them.
pub(crate) fn idle(installation: &Installation) -> Idle {
    let (system, wake) = (installation.system.clone(), installation.wake.clone());
    let (clock, rung) = (Arc::clone(&installation.clock), Arc::new(Mutex::new(None)));
    Arc::new(move || {
        let (system, wake) = (system.clone(), wake.clone());
        let (clock, rung) = (Arc::clone(&clock), Arc::clone(&rung));
        Box::pin(async move {
            match Left::at(&system, clock.now()).await {
                Ok(left) if left.is_nothing() => {
                    *rung.lock().await = None;
                    true
                }
                Ok(left) => {
                    ring(&wake, left, &mut *rung.lock().await);
                    false
                }
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "it could not be seen what is left to do");
                    false
                }
            }
        })
    })
}

/// Nobody waits for the next poll: the one who moves the time waits for everybody.
fn ring(wake: &Wake, left: Left, rung: &mut Option<Instant>) {
    if rung.is_some_and(|last| last.elapsed() < RING) {
        return;
    }
    *rung = Some(Instant::now());
    if left.events {
        wake.ring_outbox();
        wake.ring_log();
    }
    if left.jobs {
        wake.ring_jobs();
    }
}
