//! Stopping, in two steps: not ready first, then stage by stage.

use std::time::{Duration, Instant};

use super::{Lifecycle, Stage, pause};

impl Lifecycle {
    /// Not ready from now on; returns after `notice`, in which load balancers stop sending. Work goes on meanwhile.
    pub async fn begin_drain(&self, notice: Duration) {
        self.inner.requested.cancel();
        self.readiness().drain();
        tracing::info!(notice_s = notice.as_secs(), "draining");
        self.inner.forced.run_until_cancelled(pause(notice)).await;
    }

    /// Ends stage by stage and returns the stages that did not end in time.
    pub async fn stop(&self) -> Vec<Stage> {
        self.stop_within(Stage::deadline).await
    }

    /// As [`Self::stop`], with other deadlines (tests; configuration).
    pub async fn stop_within(&self, deadline: impl Fn(Stage) -> Duration) -> Vec<Stage> {
        self.inner.requested.cancel();
        self.readiness().drain();
        let mut late = Vec::new();
        for stage in Stage::ALL {
            let tasks = self.stage(stage);
            let begun = Instant::now();
            tasks.tracker.close();
            tasks.stop.cancel();
            if !self.ends_within(stage, deadline(stage)).await {
                late.push(stage);
                tracing::warn!(?stage, "the stage did not end in time");
                tasks.abandon.cancel();
                // Dropping is immediate for everything that awaits; what blocks a thread cannot be waited for.
                self.ends_within(stage, Duration::from_millis(200)).await;
            }
            tracing::debug!(?stage, took_ms = begun.elapsed().as_millis(), "stage ended");
        }
        late
    }

    async fn ends_within(&self, stage: Stage, limit: Duration) -> bool {
        // The database is waited for even when forced: cutting it short is what a crash does, and it ends fast.
        let forced = stage != Stage::Database;
        tokio::select! {
            biased;
            () = self.stage(stage).tracker.wait() => true,
            () = self.inner.forced.cancelled(), if forced => false,
            () = pause(limit) => false,
        }
    }
}
