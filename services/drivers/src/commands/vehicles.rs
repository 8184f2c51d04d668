//! Adding, changing and removing vehicles.

use kernel::ids::VehicleId;
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use super::save::save;
use crate::entities::{Vehicle, VehicleDetails};
use crate::store::{drivers, vehicles};

/// Adds a vehicle.
pub async fn create(tx: &mut Tx, details: VehicleDetails) -> Result<Vehicle> {
    let vehicle = vehicles::insert(tx, details).await?;
    tx.audit(Entry::new("create_vehicle", "vehicle", vehicle.id).after(&vehicle)?).await?;
    Ok(vehicle)
}

/// Changes a vehicle, if the caller has seen its present version. Others hear of it through its drivers.
pub async fn update(
    tx: &mut Tx,
    id: VehicleId,
    seen: impl FnOnce(i64) -> Result<()> + Send,
    change: impl FnOnce(&VehicleDetails) -> VehicleDetails + Send,
) -> Result<Vehicle> {
    let before = vehicles::lock(tx, id).await?.ok_or_else(|| Error::not_found("vehicle"))?;
    seen(before.version)?;
    let after = vehicles::update(tx, &before, change(&before.details)).await?;
    if before.facts() != after.facts() {
        for driver in drivers::ids_of_vehicle(tx, id).await? {
            let Some(driver) = drivers::lock(tx, driver).await? else { continue };
            save(tx, &driver, driver.plain.clone(), &["vehicle"]).await?;
        }
    }
    tx.audit(Entry::new("update_vehicle", "vehicle", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

/// Removes a vehicle that nobody drives.
pub async fn delete(tx: &mut Tx, id: VehicleId) -> Result<()> {
    let before = vehicles::lock(tx, id).await?.ok_or_else(|| Error::not_found("vehicle"))?;
    if let Some(driver) = drivers::ids_of_vehicle(tx, id).await?.first() {
        return Err(Error::new(Kind::Conflict, "vehicle_in_use", "Somebody drives this vehicle.")
            .with_extension("driver_id", driver.to_string()));
    }
    vehicles::delete(tx, id).await?;
    tx.audit(Entry::new("delete_vehicle", "vehicle", id).before(&before)?).await
}
