//! Waiting in real time. The one place of the product that lets time pass.
//!
//! Business rules never wait: they compare moments of the clock that they were given. What waits here is machinery
//! (polling, back-off, intervals of background work), and all of it must stop at once when it is told to.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The whole time passed.
    Elapsed,
    /// It was told to stop.
    Cancelled,
}

impl Waited {
    /// Whether to go on.
    pub fn elapsed(self) -> bool {
        self == Self::Elapsed
    }
}

/// Lets `duration` pass, or returns at once when `stop` is cancelled.
pub async fn wait(duration: Duration, stop: &CancellationToken) -> Waited {
    tokio::select! {
        biased;
        () = stop.cancelled() => Waited::Cancelled,
        () = pause(duration) => Waited::Elapsed,
    }
}

/// Lets `duration` pass without a way to stop it: only for short, bounded polling while starting or stopping.
#[expect(clippy::disallowed_methods, reason = "this is the one place that waits in real time")]
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_wait_returns_at_once() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(wait(Duration::from_hours(1), &stop).await, Waited::Cancelled);
        assert!(wait(Duration::from_millis(1), &CancellationToken::new()).await.elapsed());
    }
}
