//! Wake-ups inside one process. They only save waiting: whoever misses one finds the work by polling.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Bells: events were written to the outbox, the log grew, jobs were enqueued (one for each service).
#[derive(Debug, Clone, Default)]
pub struct Wake {
    outbox: Arc<watch::Sender<u64>>,
    log: Arc<watch::Sender<LogNews>>,
    jobs: Arc<Mutex<HashMap<String, watch::Sender<u64>>>>,
}

/// What is known of the growth of the log.
#[derive(Debug, Default)]
pub struct LogNews {
    /// How often it grew.
    count: u64,
    /// The last time that nobody knew by what.
    unknown: u64,
    /// The last time that it grew by something of a subject.
    subjects: HashMap<String, u64>,
}

impl LogNews {
    /// A moment, to ask later what came after it.
    pub fn moment(&self) -> u64 {
        self.count
    }

    /// Whether something of these subjects may have come since.
    pub fn concerns(&self, since: u64, subjects: &[&str]) -> bool {
        let of = |subject: &&str| self.subjects.get(*subject).is_some_and(|at| *at > since);
        self.unknown > since || subjects.iter().any(of)
    }

    fn grew<'a>(&mut self, subjects: impl Iterator<Item = &'a str>) {
        self.count += 1;
        for subject in subjects {
            match self.subjects.get_mut(subject) {
                Some(at) => *at = self.count,
                None => {
                    self.subjects.insert(subject.to_owned(), self.count);
                }
            }
        }
    }
}

impl Wake {
    /// A transaction with events has committed.
    pub fn ring_outbox(&self) {
        self.outbox.send_modify(|count| *count += 1);
    }

    /// The log grew, nobody knows by what.
    pub fn ring_log(&self) {
        self.log.send_modify(|news| {
            news.count += 1;
            news.unknown = news.count;
        });
    }

    /// Events of these subjects were moved to the log.
    pub fn ring_subjects<'a>(&self, subjects: impl Iterator<Item = &'a str>) {
        self.log.send_modify(|news| news.grew(subjects));
    }

    /// A transaction with jobs of this service has committed.
    pub fn ring_jobs(&self, service: &str) {
        if let Some(bell) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(service) {
            bell.send_modify(|count| *count += 1);
        }
    }

    /// For the sequencer.
    pub fn on_outbox(&self) -> watch::Receiver<u64> {
        self.outbox.subscribe()
    }

    /// For consumers.
    pub fn on_log(&self) -> watch::Receiver<LogNews> {
        self.log.subscribe()
    }

    /// For the workers of a service.
    pub fn on_jobs(&self, service: &str) -> watch::Receiver<u64> {
        let mut bells = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry(service.to_owned()).or_default().subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_concern_those_who_listen_to_their_subjects() {
        let wake = Wake::default();
        let bell = wake.on_log();
        let before = bell.borrow().moment();
        wake.ring_subjects(["order.created.v1", "driver.updated.v1"].into_iter());
        let after = bell.borrow().moment();
        assert!(bell.borrow().concerns(before, &["shop.updated.v1", "order.created.v1"]));
        assert!(!bell.borrow().concerns(before, &["shop.updated.v1"]));
        assert!(!bell.borrow().concerns(after, &["order.created.v1"]), "it was heard");
        wake.ring_log();
        assert!(bell.borrow().concerns(after, &["shop.updated.v1"]), "it may be of any subject");
    }
    #[test]
    fn jobs_wake_the_workers_of_their_service() {
        let wake = Wake::default();
        wake.ring_jobs("orders");
        let (orders, drivers) = (wake.on_jobs("orders"), wake.on_jobs("drivers"));
        wake.ring_jobs("orders");
        assert!(orders.has_changed().unwrap());
        assert!(!drivers.has_changed().unwrap());
    }
}
