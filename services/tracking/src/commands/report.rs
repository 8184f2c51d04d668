//! A driver's positions, from whatever reports them.

use std::time::Duration;

use contracts::tracking::DriverLocation;
use kernel::ids::{DriverId, OrgId};
use kernel::time::{SignedDuration, Timestamp};
use platform::live::{Entry, Topic};
use platform::{Error, Result};

use super::batch::{Incoming, Outcome};
use super::follow;
use crate::context::Tracking;
use crate::store::drivers;
use platform::db::{Scope, Tx};

/// How long a position says where a driver is.
const LIVE: Duration = Duration::from_mins(10);
/// How old a last position may be to be told to other services.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

fn topic(org: OrgId) -> Topic {
    Topic { name: DriverLocation::TOPIC, org }
}

/// Takes positions into the history; the answer means that they are durable. What follows from them (arrivals, expected
/// times) is done before the answer as well, but it is not part of the promise: when it fails, the next position does it.
pub async fn report(tracking: &Tracking, org: OrgId, incoming: Incoming) -> Result<Vec<Outcome>> {
    let driver_id = incoming.driver_id;
    let receipt = tracking.batches().submit(tracking.db(), org, incoming).await?;
    let receipt = receipt.ok_or_else(|| Error::not_found("driver"))?;
    if let Some((at, seen)) = receipt.newest {
        let value = Some(serde_json::to_vec(&seen)?.into());
        let entry = Entry { key: driver_id.to_string(), at, value };
        tracking.ground().live.put(topic(org), entry, LIVE).await;
        if receipt.busy
            && let Err(error) = follow::follow(tracking, &Scope::system(org), driver_id, false).await
        {
            tracing::warn!(cause = error.chain(), "what follows from a position was not done");
        }
    }
    Ok(receipt.outcomes)
}

/// Where a driver is: what is live, else the last that was written down. The time is the one that the position counts as.
pub async fn latest(
    tracking: &Tracking,
    tx: &mut Tx,
    driver: DriverId,
) -> Result<Option<(Timestamp, DriverLocation)>> {
    let key = driver.to_string();
    let live = tracking.ground().live.get(topic(tx.org()?), &key).await;
    if let Some((at, seen)) = live.and_then(|entry| Some((entry.at, read(&entry)?))) {
        return Ok(Some((at, seen)));
    }
    Ok(drivers::find(tx, driver).await?.and_then(|driver| driver.last))
}

fn read(entry: &Entry) -> Option<DriverLocation> {
    serde_json::from_slice(entry.value.as_ref()?).ok()
}

/// Where these drivers (none named: all) were last seen within the last hour.
pub async fn last_positions(
    tracking: &Tracking,
    scope: &Scope,
    asked: &[DriverId],
) -> Result<Vec<DriverLocation>> {
    let org = scope.org.ok_or_else(Error::forbidden)?;
    let live = tracking.ground().live.list(topic(org)).await;
    let mut found: Vec<DriverLocation> = live.iter().filter_map(read).collect();
    found.retain(|seen| asked.is_empty() || asked.contains(&seen.driver_id));
    let missing: Vec<DriverId> =
        asked.iter().copied().filter(|id| !found.iter().any(|seen| seen.driver_id == *id)).collect();
    if asked.is_empty() || !missing.is_empty() {
        let mut tx = tracking.db().read(scope).await?;
        let since = tx.now().checked_sub(RECENT).map_err(Error::internal)?;
        let written = drivers::seen_since(&mut tx, &missing, since).await?;
        tx.rollback().await?;
        for seen in written {
            if !found.iter().any(|live| live.driver_id == seen.driver_id) {
                found.push(seen);
            }
        }
    }
    found.sort_by_key(|seen| seen.driver_id);
    Ok(found)
}
