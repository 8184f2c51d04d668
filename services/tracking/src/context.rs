//! What the code of tracking stands on.

use std::sync::Arc;

use platform::db::Db;
use platform::service::Ground;

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
}

impl Tracking {
    /// On this ground.
    pub fn new(ground: &Ground) -> Self {
        Self { inner: Arc::new(Inner { ground: ground.clone(), batches: Batches::default() }) }
    }

    /// What it was handed.
    pub fn ground(&self) -> &Ground {
        &self.inner.ground
    }

    /// The connection.
    pub fn db(&self) -> &Db {
        &self.inner.ground.db
    }

    /// Positions on their way into the history.
    pub fn batches(&self) -> &Batches {
        &self.inner.batches
    }
}
