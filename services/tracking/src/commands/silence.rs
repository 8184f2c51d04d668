//! Drivers who should be heard of and are not.

use contracts::tracking::DriverLocationStale;
use kernel::ids::DriverId;
use kernel::time::{SignedDuration, Timestamp};
use platform::db::{Scope, Tx};
use platform::{Error, Result};

use crate::context::Tracking;
use crate::store::{deliveries, drivers};

/// How long nothing may be heard of a driver with an order on the way.
pub const SILENT: SignedDuration = SignedDuration::from_mins(3);

/// Tells of every driver who has fallen silent, once for each silence; how many.
pub async fn watch(tracking: &Tracking, scope: &Scope) -> Result<usize> {
    let mut tx = tracking.db().begin(scope).await?;
    let before = tx.now().checked_sub(SILENT).map_err(Error::internal)?;
    let silent = drivers::silent(&mut tx, before).await?;
    tx.rollback().await?;
    let mut told = 0;
    for (org, driver) in silent {
        let scope = scope.within(org);
        let new = tracking.db().run(&scope, move |tx| Box::pin(tell(tx, driver, before))).await?;
        told += usize::from(new);
    }
    Ok(told)
}

async fn tell(tx: &mut Tx, driver_id: DriverId, before: Timestamp) -> Result<bool> {
    let Some((last_at, locked)) = drivers::mark_silent(tx, driver_id, before).await? else {
        return Ok(false);
    };
    let since = if let Some(at) = last_at {
        at
    } else {
        // Never heard of: silent since the driver set out.
        let orders = deliveries::of_driver(tx, driver_id).await?;
        orders.iter().map(|order| order.status_at).min().unwrap_or(before)
    };
    tx.publish(locked, &DriverLocationStale { driver_id, since })?;
    Ok(true)
}
