//! What the code of tracking stands on.

use std::sync::Arc;

use platform::db::Db;
use platform::service::Ground;

use crate::atlas::Atlas;
use crate::commands::batch::Batches;

/// The ground, and the positions that are on their way into the history. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Tracking {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ground: Ground,
    batches: Batches,
    atlas: Arc<Atlas>,
}

impl Tracking {
    /// On this ground.
    pub fn new(ground: &Ground) -> Self {
        let atlas = Arc::new(Atlas::new(ground.map.clone()));
        Self { inner: Arc::new(Inner { ground: ground.clone(), batches: Batches::default(), atlas }) }
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

    /// Positions on their way into the history.
    pub fn batches(&self) -> &Batches {
        &self.inner.batches
    }
}
