//! What a driver reaches: their own, and nothing of others. To them others are not there (404).

use kernel::ids::{DriverId, UserId};
use platform::auth::{Principal, Role};
use platform::db::Tx;
use platform::{Error, Result};

use crate::store::drivers::{self, StoredDriver};

/// Goes on unless the caller is another driver.
pub fn check(principal: &Principal, driver: &StoredDriver) -> Result<()> {
    if principal.role != Role::Driver || driver.user_id == principal.user().ok() {
        return Ok(());
    }
    Err(Error::not_found("driver"))
}

/// A driver, if the caller may know of them.
pub async fn visible(tx: &mut Tx, principal: &Principal, id: DriverId) -> Result<StoredDriver> {
    let found = drivers::find(tx, id).await?.ok_or_else(|| Error::not_found("driver"))?;
    check(principal, &found)?;
    Ok(found)
}

/// The same, locked.
pub async fn lock(tx: &mut Tx, principal: &Principal, id: DriverId) -> Result<StoredDriver> {
    let found = drivers::lock(tx, id).await?.ok_or_else(|| Error::not_found("driver"))?;
    check(principal, &found)?;
    Ok(found)
}

/// Whose things the caller may list: everybody's (`None`), or their own.
pub async fn own_only(tx: &mut Tx, principal: &Principal) -> Result<Option<DriverId>> {
    if principal.role != Role::Driver {
        return Ok(None);
    }
    let user: UserId = principal.user()?;
    let own = drivers::id_of_user(tx, user).await?.ok_or_else(|| Error::not_found("driver"))?;
    Ok(Some(own))
}
