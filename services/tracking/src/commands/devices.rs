//! Devices with apps that are not ours.

use kernel::ids::{DeviceId, DriverId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Result};

use crate::domain::protocols::Protocol;
use crate::domain::secret;
use crate::store::devices::{self, Device};
use crate::store::drivers;

/// Adds a device; its secret is returned this once.
pub async fn add(tx: &mut Tx, driver: DriverId, name: &str, protocol: Protocol) -> Result<(Device, String)> {
    drivers::find(tx, driver).await?.ok_or_else(|| Error::not_found("driver"))?;
    let secret = secret::draw(tx.random());
    let device = devices::insert(tx, driver, name, protocol, &secret).await?;
    tx.audit(Entry::new("add_device", "device", device.id).after(&device)?).await?;
    Ok((device, secret))
}

/// Removes a device; what it sends from now on is unknown.
pub async fn remove(tx: &mut Tx, driver: DriverId, id: DeviceId) -> Result<()> {
    if !devices::delete(tx, driver, id).await? {
        return Err(Error::not_found("device"));
    }
    let driver = driver.to_string();
    tx.audit(Entry::new("remove_device", "device", id).detail(serde_json::json!({ "driver_id": driver })))
        .await
}
