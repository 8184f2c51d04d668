//! A service is a value: its name, what it owns, and what runs in it. The runtime composes values; nothing is global.

use std::sync::Arc;

use sqlx::migrate::Migrator;

use crate::bus::Consumer;
use crate::jobs::{JobKind, Schedule};
use crate::permissions::Permission;
use crate::vault::SealedColumn;

/// What a service declares about itself without any connection: enough to migrate, to document and to check it.
#[derive(Clone)]
pub struct Manifest {
    /// The name; also its PostgreSQL schema and, with the prefix `dropmate_`, its login role.
    pub name: &'static str,
    /// The migrations of its schema; `None` for a service that owns nothing durable.
    pub migrations: Option<&'static Migrator>,
    /// The subjects of the events that it publishes. Nobody else may.
    pub subjects: &'static [&'static str],
    /// Its rows of the permission table.
    pub permissions: &'static [Permission],
    /// Its columns that are sealed with the keys of data subjects.
    pub sealed: &'static [SealedColumn],
}

impl std::fmt::Debug for Manifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manifest").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A service ready to run.
pub struct Service {
    /// What it declares.
    pub manifest: Manifest,
    /// Its routes with their OpenAPI descriptions.
    pub api: crate::http::openapi::ServiceApi,
    /// What it does when it hears events.
    pub consumers: Vec<Consumer>,
    /// What it does in the background.
    pub jobs: Vec<JobKind>,
    /// When it does so by itself.
    pub schedules: Vec<Schedule>,
    /// Its connection to the database.
    pub db: Option<crate::db::Db>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

/// The manifests of all services of an installation.
pub type Manifests = Arc<[Manifest]>;
