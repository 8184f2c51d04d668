//! How tasks start, wait and stop. The only place that may spawn.
//!
//! A process stops in the order of [`Stage`] (design section 6): nothing is taken away from a task that still needs
//! it. Each stage is told to end, has its own time for it, and is then dropped where it waits; the next stage is told
//! only afterwards. The first SIGTERM or SIGINT begins this, the second cuts it short.
//!
//! | task kind | on cancel | on error or panic |
//! |---|---|---|
//! | `Restart` | ends by itself in its stage | logged, counted, started again after a growing pause (0.1 s to 30 s) |
//! | `Critical` | ends by itself in its stage | logged; the whole process stops, and its exit is a failure |
//! | `OneOff` | ends by itself in its stage | logged |
//!
//! An early `Ok` is the end of a `Restart` or `OneOff` task, and a failure of a `Critical` one.

mod readiness;
mod signals;
mod stop;
mod tasks;
#[cfg(test)]
mod tests;
mod wait;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use readiness::{Dependency, Readiness, ReadinessReport};
pub use tasks::TaskKind;
pub use wait::{Waited, pause, wait};

/// The stages of a stop, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Listeners: no new connections.
    Accept,
    /// Live sockets: closed with a hint when to resume, spread over a few seconds.
    Sockets,
    /// Requests that are being answered.
    Http,
    /// Consumers and jobs: the batch or attempt in hand is finished.
    Workers,
    /// The sequencer, which moves what the stages before it published.
    Sequencer,
    /// Connection pools and clients of brokers.
    Pools,
    /// The private PostgreSQL.
    Database,
}

impl Stage {
    /// All stages, in the order in which they stop.
    pub const ALL: [Self; 7] = [
        Self::Accept,
        Self::Sockets,
        Self::Http,
        Self::Workers,
        Self::Sequencer,
        Self::Pools,
        Self::Database,
    ];

    /// How long the stage may take. The sum stays below the 60 s that orchestrators are told to grant.
    pub const fn deadline(self) -> Duration {
        match self {
            Self::Accept => Duration::from_secs(2),
            Self::Sockets | Self::Sequencer | Self::Pools => Duration::from_secs(5),
            Self::Http => Duration::from_secs(10),
            Self::Workers => Duration::from_secs(20),
            // The private PostgreSQL reports by itself when it takes too long, and is never killed.
            Self::Database => Duration::from_secs(70),
        }
    }
}

/// Everything that runs in the process. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readiness: Readiness,
    stages: [StageTasks; Stage::ALL.len()],
    /// Somebody asked for a stop.
    requested: CancellationToken,
    /// The second signal: nothing is waited for any more.
    forced: CancellationToken,
    /// Why the process stops, when it is a failure.
    failure: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct StageTasks {
    stop: CancellationToken,
    /// The stage's time is over: its tasks are dropped.
    abandon: CancellationToken,
    tracker: TaskTracker,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    /// Nothing runs yet.
    pub fn new() -> Self {
        let inner = Inner {
            readiness: Readiness::default(),
            stages: Default::default(),
            requested: CancellationToken::new(),
            forced: CancellationToken::new(),
            failure: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What `/readyz` says.
    pub fn readiness(&self) -> &Readiness {
        &self.inner.readiness
    }

    /// Cancelled when the stage is told to end.
    pub fn token(&self, stage: Stage) -> CancellationToken {
        self.stage(stage).stop.clone()
    }

    /// Asks the process to stop for a good reason.
    pub fn request_stop(&self) {
        self.inner.requested.cancel();
    }

    /// Asks the process to stop because of a failure: its exit code says so.
    pub fn fail(&self, why: impl Into<String>) {
        let why = why.into();
        tracing::error!(%why, "stopping because of a failure");
        self.inner.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.inner.requested.cancel();
    }

    /// The failure that made the process stop, if it was one.
    pub fn failure(&self) -> Option<String> {
        self.inner.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until somebody asks for a stop.
    pub async fn stop_requested(&self) {
        self.inner.requested.cancelled().await;
    }

    fn stage(&self, stage: Stage) -> &StageTasks {
        // One entry per stage, in the order of the enum.
        &self.inner.stages[stage as usize]
    }
}
