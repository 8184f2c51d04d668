//! Writing a driver and telling others: the one way in which a driver changes.

use contracts::drivers::{
    Availability, DriverAvailabilityChanged, DriverAvailable, DriverCreated, DriverFacts, DriverUpdated,
};
use platform::db::{Locked, Tx};
use platform::{Error, Result};

use crate::domain::shift::TOLD;
use crate::entities::{Plain, Shift, Vehicle};
use crate::store::drivers::{self, StoredDriver};
use crate::store::{history, shifts, vehicles};

/// Writes a locked driver. `changed` names the fields of which `driver.updated.v1` tells; without any it is not published.
/// A change of availability is told by its own events and kept in the history.
pub async fn save(
    tx: &mut Tx,
    before: &StoredDriver,
    plain: Plain,
    changed: &[&'static str],
) -> Result<StoredDriver> {
    let (after, locked) = drivers::update(tx, before, plain).await?;
    if !changed.is_empty() {
        let changed = changed.iter().map(|name| (*name).to_owned()).collect();
        let facts = facts(tx, &after).await?;
        tx.publish(locked, &DriverUpdated { driver_id: after.id, changed, facts })?;
    }
    tell_availability(tx, locked, before, &after).await?;
    Ok(after)
}

/// Tells that a driver exists.
pub async fn tell_created(tx: &mut Tx, driver: &StoredDriver) -> Result<()> {
    let facts = facts(tx, driver).await?;
    tx.publish(Locked::new(driver.id, driver.version), &DriverCreated { driver_id: driver.id, facts })
}

async fn tell_availability(
    tx: &mut Tx,
    locked: Locked,
    before: &StoredDriver,
    after: &StoredDriver,
) -> Result<()> {
    let (from, to, at) =
        (before.plain.availability, after.plain.availability, after.plain.availability_since);
    if from == to {
        return Ok(());
    }
    history::insert(tx, history::Line { driver: after.id, from, to, at, taken: true }).await?;
    tx.publish(locked, &DriverAvailabilityChanged { driver_id: after.id, from, to, at })?;
    if to == Availability::Available {
        tx.publish(locked, &DriverAvailable { driver_id: after.id, at })?;
    }
    Ok(())
}

/// All that others need to know of a driver, as of now.
async fn facts(tx: &mut Tx, driver: &StoredDriver) -> Result<DriverFacts> {
    let plain = &driver.plain;
    let vehicle = match plain.vehicle_id {
        Some(id) => vehicles::find(tx, id).await?.as_ref().map(Vehicle::facts),
        None => None,
    };
    let until = tx.now().checked_add(TOLD).map_err(Error::internal)?;
    let told = shifts::tell(tx, driver.id, until).await?;
    Ok(DriverFacts {
        user_id: driver.user_id,
        active: plain.active && !plain.documents_lapsed,
        vehicle,
        skills: plain.skills.clone(),
        home: plain.home,
        shifts: told.into_iter().map(Shift::facts).collect(),
        follows_shifts: plain.follows_shifts,
    })
}
