//! What the commands of storefront work with, handed in by the runtime.

use std::sync::Arc;

use platform::db::Db;
use platform::service::Ground;
use platform::travel::TravelTimes;

/// The service's context; cheap to clone.
#[derive(Debug, Clone)]
pub struct Storefront {
    db: Db,
    travel: Arc<dyn TravelTimes>,
}

impl Storefront {
    /// The context on this ground.
    pub fn new(ground: &Ground) -> Self {
        Self { db: ground.db.clone(), travel: Arc::clone(&ground.travel) }
    }

    /// The service's connection.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// How long ways take.
    pub fn travel(&self) -> &dyn TravelTimes {
        self.travel.as_ref()
    }
}
