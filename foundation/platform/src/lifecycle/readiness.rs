//! Whether this process may be sent requests, and if not, why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::telemetry::metrics::DEPENDENCY_UP;

/// The state of one thing that this process needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Whether it can be used.
    pub up: bool,
    /// Why not, for people who run the installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadinessReport {
    /// Whether requests may be sent here.
    pub ready: bool,
    /// Whether the process is on its way out.
    pub draining: bool,
    /// Every dependency by name.
    pub dependencies: BTreeMap<String, Dependency>,
}

/// Named dependencies, up or down. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    draining: bool,
    dependencies: BTreeMap<&'static str, Dependency>,
}

impl Readiness {
    /// Declares a dependency: not ready until it was seen up.
    pub fn expect(&self, name: &'static str) {
        self.set(name, Dependency { up: false, reason: Some("not reached yet".to_owned()) });
    }

    /// It can be used.
    pub fn up(&self, name: &'static str) {
        self.set(name, Dependency { up: true, reason: None });
    }

    /// It cannot be used. The reason is shown on `/readyz`: no addresses with passwords.
    pub fn down(&self, name: &'static str, reason: impl Into<String>) {
        let reason = crate::telemetry::scrub(&reason.into()).into_owned();
        self.set(name, Dependency { up: false, reason: Some(reason) });
    }

    /// From now on not ready, whatever the dependencies say.
    pub fn drain(&self) {
        self.with(|state| state.draining = true);
    }

    /// Whether requests may be sent here.
    pub fn is_ready(&self) -> bool {
        self.with(|state| state.ready())
    }

    /// Everything at once.
    pub fn report(&self) -> ReadinessReport {
        self.with(|state| ReadinessReport {
            ready: state.ready(),
            draining: state.draining,
            dependencies: state
                .dependencies
                .iter()
                .map(|(name, one)| ((*name).to_owned(), one.clone()))
                .collect(),
        })
    }

    fn set(&self, name: &'static str, new: Dependency) {
        let reason = new.reason.clone();
        let up = new.up;
        metrics::gauge!(DEPENDENCY_UP, "dependency" => name).set(f64::from(u8::from(up)));
        let old = self.with(|state| state.dependencies.insert(name, new));
        // Only changes are worth a line.
        if old.is_some_and(|old| old.up != up) {
            match reason {
                None => tracing::info!(dependency = name, "a dependency is back"),
                Some(reason) => tracing::warn!(dependency = name, reason, "a dependency is away"),
            }
        }
    }

    fn with<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        // Every write is one assignment, so a panic cannot leave half of one.
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn ready(&self) -> bool {
        !self.draining && self.dependencies.values().all(|dependency| dependency.up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_every_dependency_is_up_and_nobody_drains() {
        let readiness = Readiness::default();
        readiness.expect("database");
        assert!(!readiness.is_ready());
        readiness.up("database");
        assert!(readiness.is_ready());
        readiness.down("nats", "refused by nats://u:secret@one");
        let report = serde_json::to_value(readiness.report()).unwrap();
        assert_eq!(report["ready"], false);
        assert_eq!(report["dependencies"]["nats"]["reason"], "refused by nats://***@one");
        readiness.up("nats");
        readiness.drain();
        assert!(!readiness.is_ready());
        assert!(readiness.report().draining);
    }
}
