//! Planning, moving and taking back shifts, under the lock of their driver.

use kernel::ids::{DriverId, ShiftId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use super::save::save;
use crate::domain::shift::check;
use crate::entities::{Shift, ShiftDetails};
use crate::store::drivers::{self, StoredDriver};
use crate::store::shifts;

/// Plans a shift.
pub async fn create(tx: &mut Tx, details: ShiftDetails) -> Result<Shift> {
    let details = check(tx.now(), details)?;
    let driver = lock(tx, details.driver_id).await?;
    check_free(tx, &details, None).await?;
    let shift = shifts::insert(tx, details).await?;
    save(tx, &driver, driver.plain.clone(), &["shifts"]).await?;
    tx.audit(Entry::new("create_shift", "shift", shift.id).after(&shift)?).await?;
    Ok(shift)
}

/// Moves a shift, if the caller has seen its present version.
pub async fn update(
    tx: &mut Tx,
    id: ShiftId,
    seen: impl FnOnce(i64) -> Result<()> + Send,
    change: impl FnOnce(ShiftDetails) -> ShiftDetails + Send,
) -> Result<Shift> {
    let (driver, before) = find(tx, id).await?;
    seen(before.version)?;
    let details = check(tx.now(), change(before.details.clone()))?;
    check_free(tx, &details, Some(id)).await?;
    let after = shifts::update(tx, &before, details).await?;
    save(tx, &driver, driver.plain.clone(), &["shifts"]).await?;
    tx.audit(Entry::new("update_shift", "shift", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

/// Takes a shift back.
pub async fn delete(tx: &mut Tx, id: ShiftId) -> Result<()> {
    let (driver, before) = find(tx, id).await?;
    shifts::delete(tx, id).await?;
    save(tx, &driver, driver.plain.clone(), &["shifts"]).await?;
    tx.audit(Entry::new("delete_shift", "shift", id).before(&before)?).await
}

/// A shift with its driver, who is locked first; the shift is read again under the lock.
async fn find(tx: &mut Tx, id: ShiftId) -> Result<(StoredDriver, Shift)> {
    let gone = || Error::not_found("shift");
    let shift = shifts::find(tx, id).await?.ok_or_else(gone)?;
    let driver = lock(tx, shift.details.driver_id).await?;
    let shift = shifts::find(tx, id).await?.ok_or_else(gone)?;
    Ok((driver, shift))
}

async fn lock(tx: &mut Tx, driver: DriverId) -> Result<StoredDriver> {
    drivers::lock(tx, driver).await?.ok_or_else(|| Error::not_found("driver"))
}

async fn check_free(tx: &mut Tx, details: &ShiftDetails, except: Option<ShiftId>) -> Result<()> {
    match shifts::overlapping(tx, details, except).await? {
        None => Ok(()),
        Some(other) => {
            Err(Error::new(Kind::Conflict, "shift_overlaps", "The driver has another shift at that time.")
                .with_extension("shift_id", other.to_string()))
        }
    }
}
