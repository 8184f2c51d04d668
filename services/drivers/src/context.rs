//! What the commands of drivers work with, handed in by the runtime.

use platform::db::Db;
use platform::files::Files;
use platform::http::Peers;
use platform::service::Ground;
use platform::vault::Vault;

use crate::roster::Roster;

/// The service's context; cheap to clone.
#[derive(Debug, Clone)]
pub struct Drivers {
    ground: Ground,
    roster: Roster,
}

impl Drivers {
    /// The context on this ground.
    pub fn new(ground: &Ground) -> Self {
        Self { roster: Roster::new(ground.cache.clone(), ground.db.clone()), ground: ground.clone() }
    }

    /// The service's connection.
    pub fn db(&self) -> &Db {
        &self.ground.db
    }

    /// Keys for sealed columns.
    pub fn vault(&self) -> &Vault {
        &self.ground.vault
    }

    /// Photos of documents.
    pub fn files(&self) -> &Files {
        &self.ground.files
    }

    /// The services that it calls.
    pub fn peers(&self) -> &Peers {
        &self.ground.peers
    }

    /// The list of drivers, kept for a while.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// An address as people reach it.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.ground.public_url)
    }
}
