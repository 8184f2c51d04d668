//! An installation whose time somebody else moves: whether it is done with what there was to do.

use std::sync::Arc;

use kernel::time::Timestamp;
use platform::clock::sim::Idle;
use platform::db::{SystemDb, Wake};
use platform::{Result, bus, jobs};

use crate::installation::Installation;

/// Whether log, consumers and due jobs are drained. Requests are counted by who sends them.
pub(crate) fn idle(installation: &Installation) -> Idle {
    let (system, wake, clock) =
        (installation.system.clone(), installation.wake.clone(), Arc::clone(&installation.clock));
    Arc::new(move || {
        let (system, wake, clock) = (system.clone(), wake.clone(), Arc::clone(&clock));
        Box::pin(async move { is_drained(&system, &wake, clock.now()).await.unwrap_or(false) })
    })
}

async fn is_drained(system: &SystemDb, wake: &Wake, now: Timestamp) -> Result<bool> {
    let log = bus::status(system).await?;
    let behind = log.outbox > 0 || log.consumers.iter().any(|consumer| consumer.lag > 0);
    let due = jobs::are_due(system, now).await?;
    // Nobody waits for the next poll: the one who moves the time waits for everybody.
    if behind {
        wake.ring_outbox();
        wake.ring_log();
    }
    if due {
        wake.ring_jobs();
    }
    Ok(!behind && !due)
}
