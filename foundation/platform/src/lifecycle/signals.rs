//! SIGTERM and SIGINT: the first begins an orderly stop, the second ends the waiting.

use std::convert::Infallible;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Lifecycle, Stage, TaskKind};

impl Lifecycle {
    /// Listens from now on. The handlers are in place when this returns.
    pub fn listen_for_signals(&self) -> std::io::Result<()> {
        let mut signals = Some((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?));
        let lifecycle = self.clone();
        // In the last stage, so that the second signal is heard until the end.
        self.spawn(Stage::Database, "signals", TaskKind::OneOff, move |stop| {
            let (signals, lifecycle) = (signals.take(), lifecycle.clone());
            async move {
                if let Some((mut terminate, mut interrupt)) = signals {
                    stop.run_until_cancelled(listen(&lifecycle, &mut terminate, &mut interrupt)).await;
                }
                Ok::<_, Infallible>(())
            }
        });
        Ok(())
    }

    /// The second signal, or its like: nothing but the database is waited for any more.
    pub fn force(&self) {
        self.inner.requested.cancel();
        self.inner.forced.cancel();
    }
}

async fn listen(lifecycle: &Lifecycle, terminate: &mut Signal, interrupt: &mut Signal) {
    let mut count = 0_u32;
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        count += 1;
        if count == 1 {
            tracing::info!(signal = name, "stopping; the same again stops at once");
            lifecycle.request_stop();
        } else {
            tracing::warn!(signal = name, "stopping at once");
            lifecycle.force();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::{Signal as Posix, raise};

    use super::*;

    #[tokio::test]
    async fn the_first_signal_asks_and_the_second_forces() {
        let lifecycle = Lifecycle::new();
        lifecycle.listen_for_signals().unwrap();
        assert!(!lifecycle.inner.requested.is_cancelled());
        raise(Posix::SIGTERM).unwrap();
        lifecycle.stop_requested().await;
        assert!(!lifecycle.inner.forced.is_cancelled());
        raise(Posix::SIGINT).unwrap();
        let forced = lifecycle.inner.forced.cancelled();
        tokio::time::timeout(Duration::from_secs(5), forced).await.unwrap();
        assert_eq!(lifecycle.stop().await, []);
        assert_eq!(lifecycle.failure(), None, "being told to stop is not a failure");
    }
}
