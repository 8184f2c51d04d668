//! What each driver still has to do.

use contracts::dispatch::{RouteChanged, RouteStop};
use kernel::ids::DriverId;
use platform::Result;
use platform::db::Tx;

/// Takes what an event says. Versions count within one route; another route replaces the one before.
pub async fn put(tx: &mut Tx, version: i64, event: &RouteChanged) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO tracking.routes (org_id, driver_id, route_id, version, stops) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (org_id, driver_id) DO UPDATE
            SET route_id = excluded.route_id, version = excluded.version, stops = excluded.stops
          WHERE routes.route_id <> excluded.route_id OR routes.version < excluded.version",
        org.uuid(),
        event.driver_id.uuid(),
        event.route_id.uuid(),
        version,
        serde_json::to_value(&event.stops)?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The stops of a driver; none without a route.
pub async fn of_driver(tx: &mut Tx, driver: DriverId) -> Result<Vec<RouteStop>> {
    let org = tx.org()?;
    let stops = sqlx::query_scalar!(
        "SELECT stops FROM tracking.routes WHERE org_id = $1 AND driver_id = $2",
        org.uuid(),
        driver.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(stops.map(serde_json::from_value).transpose()?.unwrap_or_default())
}
