//! Whose positions somebody may handle: those who run deliveries all of their organisation, a driver their own. What is not
//! yours is not there.

use kernel::ids::DriverId;
use platform::auth::{Principal, Role};
use platform::db::Tx;
use platform::{Error, Result};

use crate::store::drivers;

/// Refuses a driver who asks for somebody else.
pub(super) async fn own(tx: &mut Tx, principal: &Principal, driver: DriverId) -> Result<()> {
    if principal.role != Role::Driver {
        return Ok(());
    }
    let own = drivers::of_user(tx, principal.user()?).await?;
    if own == Some(driver) { Ok(()) } else { Err(Error::not_found("driver")) }
}

/// The same, where the driver must be known as well.
pub(super) async fn known(tx: &mut Tx, principal: &Principal, driver: DriverId) -> Result<()> {
    own(tx, principal, driver).await?;
    drivers::find(tx, driver).await?.map(|_| ()).ok_or_else(|| Error::not_found("driver"))
}
