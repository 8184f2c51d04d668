//! What commands and handlers work with.

use kernel::ids::DriverId;
use platform::auth::{Principal, Role};
use platform::db::{Db, Tx};
use platform::service::Ground;
use platform::{Error, Result};

use crate::store::drivers;

/// The service's context; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dispatch {
    ground: Ground,
}

impl Dispatch {
    /// On this ground.
    pub fn new(ground: &Ground) -> Self {
        Self { ground: ground.clone() }
    }

    /// What it stands on.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The service's connection.
    pub fn db(&self) -> &Db {
        &self.ground.db
    }
}

/// Whose routes and offers a caller may see: a driver only their own, who dispatches everybody's (`None`). A driver who is
/// not known here yet sees nothing.
pub async fn own_only(tx: &mut Tx, principal: &Principal) -> Result<Option<DriverId>> {
    if principal.role != Role::Driver {
        return Ok(None);
    }
    let own = drivers::of_user(tx, principal.user()?).await?;
    own.map(Some).ok_or_else(|| Error::not_found("driver"))
}
