//! Whether this process may be sent requests, and if not, why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::telemetry::metrics::DEPENDENCY_UP;

/// The state of one thing that this process needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Whether it can be used.
    pub up: bool,
    /// Whether requests can be served without it.
    pub required: bool,
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
    /// Which were up at some time: only those can come back.
    seen: BTreeSet<&'static str>,
    /// Without these requests are served all the same.
    optional: BTreeSet<&'static str>,
}

/// A change that is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Up for the first time.
    There,
    /// Up again.
    Back,
    Away,
}

impl Readiness {
    /// Declares a dependency: not ready until it was seen up.
    pub fn expect(&self, name: &'static str) {
        self.set(name, false, Some("not reached yet"));
    }

    /// Declares a dependency that is reported, and without which requests are served all the same.
    pub fn expect_optional(&self, name: &'static str) {
        self.with(|state| state.optional.insert(name));
        self.expect(name);
    }

    /// It can be used.
    pub fn up(&self, name: &'static str) {
        self.set(name, true, None);
    }

    /// It cannot be used. The reason is shown on `/readyz`: no addresses with passwords.
    pub fn down(&self, name: &'static str, reason: impl Into<String>) {
        let reason = reason.into();
        self.set(name, false, Some(&crate::telemetry::scrub(&reason)));
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

    fn set(&self, name: &'static str, up: bool, reason: Option<&str>) {
        metrics::gauge!(DEPENDENCY_UP, "dependency" => name).set(f64::from(u8::from(up)));
        match self.with(|state| state.change(name, up, reason.map(ToOwned::to_owned))) {
            None => {}
            Some(Change::There) => tracing::info!(dependency = name, "a dependency is there"),
            Some(Change::Back) => tracing::info!(dependency = name, "a dependency is back"),
            Some(Change::Away) => tracing::warn!(dependency = name, reason, "a dependency is away"),
        }
    }

    fn with<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        // Every write is one assignment, so a panic cannot leave half of one.
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn change(&mut self, name: &'static str, up: bool, reason: Option<String>) -> Option<Change> {
        let new = Dependency { up, required: !self.optional.contains(name), reason };
        let old = self.dependencies.insert(name, new);
        let seen = if up { !self.seen.insert(name) } else { self.seen.contains(name) };
        match (old.is_some_and(|old| old.up), up) {
            (false, true) if seen => Some(Change::Back),
            (false, true) => Some(Change::There),
            (true, false) => Some(Change::Away),
            _ => None,
        }
    }

    fn ready(&self) -> bool {
        !self.draining && self.dependencies.values().all(|dependency| dependency.up || !dependency.required)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_had_been_away_is_back() {
        let mut state = State::default();
        let mut becomes = |up| state.change("database", up, None);
        assert_eq!(becomes(false), None, "it was only declared");
        assert_eq!(becomes(true), Some(Change::There));
        assert_eq!(becomes(true), None);
        assert_eq!(becomes(false), Some(Change::Away));
        assert_eq!(becomes(false), None);
        assert_eq!(becomes(true), Some(Change::Back));
    }

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
        readiness.expect_optional("cache");
        assert!(readiness.is_ready(), "it is only reported");
        readiness.drain();
        assert!(!readiness.is_ready());
        assert!(readiness.report().draining);
    }
}
