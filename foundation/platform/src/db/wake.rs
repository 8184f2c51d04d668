//! Wake-ups inside one process. They only save waiting: whoever misses one finds the work by polling.

use std::sync::Arc;

use tokio::sync::watch;

/// Three bells: events were written to the outbox, the log grew, jobs were enqueued.
#[derive(Debug, Clone)]
pub struct Wake {
    outbox: Arc<watch::Sender<u64>>,
    log: Arc<watch::Sender<u64>>,
    jobs: Arc<watch::Sender<u64>>,
}

impl Default for Wake {
    fn default() -> Self {
        let bell = || Arc::new(watch::Sender::new(0));
        Self { outbox: bell(), log: bell(), jobs: bell() }
    }
}

impl Wake {
    /// A transaction with events has committed.
    pub fn ring_outbox(&self) {
        self.outbox.send_modify(|count| *count += 1);
    }

    /// The sequencer has moved events to the log.
    pub fn ring_log(&self) {
        self.log.send_modify(|count| *count += 1);
    }

    /// A transaction with jobs has committed.
    pub fn ring_jobs(&self) {
        self.jobs.send_modify(|count| *count += 1);
    }

    /// For the sequencer.
    pub fn on_outbox(&self) -> watch::Receiver<u64> {
        self.outbox.subscribe()
    }

    /// For consumers.
    pub fn on_log(&self) -> watch::Receiver<u64> {
        self.log.subscribe()
    }

    /// For workers.
    pub fn on_jobs(&self) -> watch::Receiver<u64> {
        self.jobs.subscribe()
    }
}
