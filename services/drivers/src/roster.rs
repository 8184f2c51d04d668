//! The first page of drivers without filters, kept for five minutes: what every dispatcher's screen asks for.
//!
//! - What is kept is what the database holds: names and numbers stay sealed, so whoever reads the cache reads no name, and an
//!   erasure reaches the cached page as it reaches the table.
//! - A page is kept under the roster's generation. A change draws a new one after its commit, so a reader that loaded before
//!   the commit keeps its page under a generation that nobody asks for any more. Between the commit and the new generation
//!   (or for five minutes, if the process ends in between) a reader may see the page before.
//! - Generation and page may be lost at any time: then a new generation is drawn and the page is read again.

use std::time::Duration;

use axum::body::Bytes;
use kernel::ids::OrgId;
use platform::Result;
use platform::cache::{Key, Loading};
use platform::db::{BoxFuture, Db};
use platform::http::pagination::Page;

use crate::store::drivers::StoredDriver;

/// How long a page is kept.
const PAGE: Duration = Duration::from_mins(5);
/// Longer than any page of the generation.
const GENERATION: Duration = Duration::from_mins(10);

/// Keeps the rosters of organisations; cheap to clone.
#[derive(Debug, Clone)]
pub struct Roster {
    cache: Loading,
    db: Db,
}

impl Roster {
    /// In this cache.
    pub fn new(cache: Loading, db: Db) -> Self {
        Self { cache, db }
    }

    /// The page, from the cache or from `load`. What an older program kept in another form is read again.
    pub async fn page<'a, F>(&self, org: OrgId, load: F) -> Result<Page<StoredDriver>>
    where
        F: Fn() -> BoxFuture<'a, Result<Page<StoredDriver>>>,
    {
        let draw = async { Ok(self.draw()) };
        let drawn = self.cache.get_or_load(&generation(org), GENERATION, draw).await?;
        let key = Key::of("drivers.roster", org, String::from_utf8_lossy(&drawn));
        let loaded = async { Ok(Bytes::from(serde_json::to_vec(&load().await?)?)) };
        let kept = self.cache.get_or_load(&key, PAGE, loaded).await?;
        if let Ok(page) = serde_json::from_slice(&kept) {
            return Ok(page);
        }
        self.changed(org).await;
        load().await
    }

    /// Says that something about an organisation's drivers has changed. Call it after the commit.
    pub async fn changed(&self, org: OrgId) {
        self.cache.cache().put(&generation(org), self.draw(), GENERATION).await;
    }

    fn draw(&self) -> Bytes {
        Bytes::from(hex::encode(self.db.random().bytes::<16>()))
    }
}

fn generation(org: OrgId) -> Key {
    Key::of("drivers.generation", org, "roster")
}
