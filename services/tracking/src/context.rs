//! What the code of tracking stands on.

use std::sync::Arc;

use eta::Model;
use places::Overlay;
use platform::db::Db;
use platform::service::Ground;

use crate::atlas::Atlas;
use crate::commands::batch::Batches;
use crate::held::Held;

/// The ground, and the positions that are on their way into the history. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Tracking {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ground: Ground,
    batches: Batches,
    models: Held<Model>,
    doors: Held<Overlay>,
    atlas: Arc<Atlas>,
}

impl Tracking {
    /// On this ground.
    pub fn new(ground: &Ground) -> Self {
        let atlas = Arc::new(Atlas::new(ground.map.clone()));
        let (batches, models, doors) = (Batches::default(), Held::default(), Held::default());
        Self { inner: Arc::new(Inner { ground: ground.clone(), batches, models, doors, atlas }) }
    }

    /// What it was handed.
    pub fn ground(&self) -> &Ground {
        &self.inner.ground
    }

    /// The connection.
    pub fn db(&self) -> &Db {
        &self.inner.ground.db
    }

    /// The map that was imported.
    pub fn atlas(&self) -> &Arc<Atlas> {
        &self.inner.atlas
    }

    /// What was learned about expected times, as it was last read.
    pub fn models(&self) -> &Held<Model> {
        &self.inner.models
    }

    /// Doors that were learned, as they were last read.
    pub fn doors(&self) -> &Held<Overlay> {
        &self.inner.doors
    }

    /// Positions on their way into the history.
    pub fn batches(&self) -> &Batches {
        &self.inner.batches
    }
}
