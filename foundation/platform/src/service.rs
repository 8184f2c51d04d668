//! A service is a value: its name, what it owns, and what runs in it. The runtime composes values; nothing is global.

use std::sync::Arc;

use kernel::random::Random;
use kernel::time::SharedClock;
use sqlx::migrate::Migrator;

use crate::bus::Consumer;
use crate::cache::{Loading, MemoryCache};
use crate::db::{Db, PoolOptions, Wake};
use crate::files::{Files, Folder};
use crate::http::Peers;
use crate::http::rate_limit::{MemoryLimiter, RateLimiter};
use crate::jobs::{JobKind, Schedule};
use crate::live::{Live, MemoryLive};
use crate::permissions::Permission;
use crate::travel::{Straight, TravelTimes};
use crate::vault::{MasterKey, SealedColumn, Vault};

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
    /// What it answers to other services only.
    pub internal: Option<crate::http::openapi::ServiceApi>,
    /// What it does when it hears events.
    pub consumers: Vec<Consumer>,
    /// What it does in the background.
    pub jobs: Vec<JobKind>,
    /// When it does so by itself.
    pub schedules: Vec<Schedule>,
    /// Its connection to the database.
    pub db: Option<Db>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

/// What a service stands on, handed in by the runtime.
#[derive(Clone)]
pub struct Ground {
    /// Its connection, under its own role; also clock and randomness.
    pub db: Db,
    /// Keys for sealed columns.
    pub vault: Vault,
    /// Photographs and other contents.
    pub files: Files,
    /// What may be made again.
    pub cache: Loading,
    /// Positions and presence.
    pub live: Arc<dyn Live>,
    /// Limits guessing.
    pub limiter: Arc<dyn RateLimiter>,
    /// The services that it calls.
    pub peers: Peers,
    /// How long ways take.
    pub travel: Arc<dyn TravelTimes>,
    /// Where the map is, if there may be one.
    pub map: MapFiles,
    /// The address under which people reach the installation, without a slash at the end.
    pub public_url: String,
}

/// Where the files of the map are. They may come and change while the process runs.
#[derive(Debug, Clone, Default)]
pub struct MapFiles {
    /// The folder that `dropmate map import` fills.
    pub folder: Option<std::path::PathBuf>,
    /// The owner's own archive of tiles.
    pub pmtiles: Option<std::path::PathBuf>,
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("service", &self.db.service()).finish_non_exhaustive()
    }
}

impl Ground {
    /// Connected to nothing: for documents that are made from routes.
    pub fn unconnected(service: &'static str, clock: &SharedClock, random: &Random) -> Self {
        let vault = Vault::new(MasterKey::new([0; 32]), random.clone());
        let folder = Arc::new(Folder::new(std::path::PathBuf::new(), random.clone()));
        let connect = sqlx::postgres::PgConnectOptions::new_without_pgpass();
        let options = PoolOptions::default();
        Self {
            db: Db::new(service, connect, options, Arc::clone(clock), random.clone(), Wake::default()),
            files: Files::new(folder, vault.clone(), random.clone()),
            vault,
            cache: Loading::new(Arc::new(MemoryCache::new(Arc::clone(clock), 0))),
            live: Arc::new(MemoryLive::new(Arc::clone(clock))),
            limiter: Arc::new(MemoryLimiter::new(Arc::clone(clock))),
            peers: Peers::new(),
            travel: Arc::new(Straight::default()),
            map: MapFiles::default(),
            public_url: String::new(),
        }
    }
}

/// The manifests of all services of an installation.
pub type Manifests = Arc<[Manifest]>;
