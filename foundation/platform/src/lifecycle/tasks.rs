//! Spawning. See the table in the parent module for what each kind promises.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Lifecycle, Stage, StageTasks, wait};
use crate::telemetry::metrics::TASK_RESTARTS;

/// What happens when a task fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// It is started again.
    Restart,
    /// The process stops.
    Critical,
    /// It is logged.
    OneOff,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A task that ran this long was healthy: its next failure begins with the first pause again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

impl Lifecycle {
    /// Starts a task of a stage. `start` is called with the token that tells it to end, and again at each restart.
    pub fn spawn<S, F, E>(&self, stage: Stage, name: &'static str, kind: TaskKind, mut start: S)
    where
        S: FnMut(CancellationToken) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let lifecycle = self.clone();
        let StageTasks { stop, abandon, tracker } = self.stage(stage);
        let (stop, abandon) = (stop.clone(), abandon.clone());
        let run = async move {
            let mut pause = FIRST_PAUSE;
            // The first run happens even when the stop came before it: what it has to do at a stop must be done.
            loop {
                let begun = Instant::now();
                let outcome = AssertUnwindSafe(start(stop.clone())).catch_unwind().await;
                let failure = match outcome {
                    Ok(Ok(())) if kind == TaskKind::Critical && !stop.is_cancelled() => {
                        "it ended early".to_owned()
                    }
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => error.to_string(),
                    Err(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
                };
                tracing::error!(task = name, %failure, "a background task failed");
                match kind {
                    TaskKind::OneOff => return,
                    TaskKind::Critical => return lifecycle.fail(format!("{name}: {failure}")),
                    TaskKind::Restart => {
                        if begun.elapsed() > HEALTHY_AFTER {
                            pause = FIRST_PAUSE;
                        }
                        metrics::counter!(TASK_RESTARTS, "task" => name).increment(1);
                        if !wait(pause, &stop).await.elapsed() {
                            return;
                        }
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        };
        let bounded = async move {
            if abandon.run_until_cancelled(run).await.is_none() {
                tracing::warn!(task = name, "a background task did not end in time and was dropped");
            }
        };
        // No span of the caller: a background task is not part of the request that happened to start it.
        tracker.spawn(bounded.instrument(tracing::info_span!(parent: None, "task", task = name)));
    }

    /// Does something once when the stage stops (closing a pool, stopping the database).
    pub fn on_stop<S, F, E>(&self, stage: Stage, name: &'static str, action: S)
    where
        S: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let mut action = Some(action);
        self.spawn(stage, name, TaskKind::OneOff, move |stop| {
            let action = action.take();
            async move {
                stop.cancelled().await;
                match action {
                    Some(action) => action().await,
                    None => Ok(()),
                }
            }
        });
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}
