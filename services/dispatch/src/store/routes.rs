//! Routes: the stops that drivers still have to make.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DriverId, OrderId, RouteId, StopId, Uuid};
use kernel::time::Timestamp;
use platform::db::{Locked, Tx};
use platform::{Error, Result};

use crate::domain::insertion::StopKind;

/// One stop.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stop {
    /// Which.
    pub id: StopId,
    /// Of which order.
    pub order_id: OrderId,
    /// What for.
    pub kind: StopKind,
    /// Whether it keeps its place.
    pub locked: bool,
}

/// One driver's stops, in order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Route {
    /// Which.
    pub id: RouteId,
    /// Whose.
    pub driver_id: DriverId,
    /// Its version.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What is still to be made.
    pub stops: Vec<Stop>,
}

struct Row {
    id: Uuid,
    driver_id: Uuid,
    version: i64,
    updated_at: SqlTime,
}

async fn with_stops(tx: &mut Tx, row: Row) -> Result<Route> {
    let org = tx.org()?;
    let stops = sqlx::query!(
        "SELECT id, order_id, kind, locked FROM dispatch.stops WHERE org_id = $1 AND route_id = $2 ORDER BY place, id",
        org.uuid(),
        row.id,
    )
    .fetch_all(tx.conn())
    .await?;
    let stops = stops.into_iter().map(|stop| {
        Ok(Stop {
            id: StopId::new(stop.id),
            order_id: OrderId::new(stop.order_id),
            kind: StopKind::parse(&stop.kind).ok_or_else(|| Error::internal("dispatch.stops: kind"))?,
            locked: stop.locked,
        })
    });
    Ok(Route {
        id: RouteId::new(row.id),
        driver_id: DriverId::new(row.driver_id),
        version: row.version,
        updated_at: row.updated_at.to_jiff(),
        stops: stops.collect::<Result<_>>()?,
    })
}

/// Reads and locks the route of a driver; made if there is none.
pub async fn lock_of(tx: &mut Tx, driver: DriverId) -> Result<Route> {
    let (org, now, id) = (tx.org()?, tx.now(), tx.id::<RouteId>());
    sqlx::query!(
        "INSERT INTO dispatch.routes (org_id, id, driver_id, version, updated_at) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (org_id, driver_id) DO NOTHING",
        org.uuid(),
        id.uuid(),
        driver.uuid(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, driver_id, version, updated_at AS "updated_at: SqlTime" FROM dispatch.routes
            WHERE org_id = $1 AND driver_id = $2 FOR UPDATE"#,
        org.uuid(),
        driver.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    with_stops(tx, row).await
}

/// Reads and locks one.
pub async fn lock(tx: &mut Tx, id: RouteId) -> Result<Option<Route>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, driver_id, version, updated_at AS "updated_at: SqlTime" FROM dispatch.routes
            WHERE org_id = $1 AND id = $2 FOR UPDATE"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    match row {
        Some(row) => Ok(Some(with_stops(tx, row).await?)),
        None => Ok(None),
    }
}

/// Reads one.
pub async fn find(tx: &mut Tx, id: RouteId) -> Result<Option<Route>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, driver_id, version, updated_at AS "updated_at: SqlTime" FROM dispatch.routes
            WHERE org_id = $1 AND id = $2"#,
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    match row {
        Some(row) => Ok(Some(with_stops(tx, row).await?)),
        None => Ok(None),
    }
}

/// Routes in the order of their making; of one driver if one is named.
pub async fn list(
    tx: &mut Tx,
    driver: Option<DriverId>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Route>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, driver_id, version, updated_at AS "updated_at: SqlTime" FROM dispatch.routes
            WHERE org_id = $1 AND ($2::uuid IS NULL OR driver_id = $2) AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id LIMIT $4"#,
        org.uuid(),
        driver.map(DriverId::uuid),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut routes = Vec::with_capacity(rows.len());
    for row in rows {
        routes.push(with_stops(tx, row).await?);
    }
    Ok(routes)
}

/// Writes the stops of a locked route, in their order.
pub async fn write(tx: &mut Tx, route: &Route) -> Result<(Locked, Timestamp)> {
    let (org, now) = (tx.org()?, tx.now());
    let ids: Vec<Uuid> = route.stops.iter().map(|stop| stop.id.uuid()).collect();
    sqlx::query!(
        "DELETE FROM dispatch.stops WHERE org_id = $1 AND route_id = $2 AND id <> ALL ($3)",
        org.uuid(),
        route.id.uuid(),
        &ids,
    )
    .execute(tx.conn())
    .await?;
    let orders: Vec<Uuid> = route.stops.iter().map(|stop| stop.order_id.uuid()).collect();
    let kinds: Vec<String> = route.stops.iter().map(|stop| stop.kind.as_str().to_owned()).collect();
    let locked: Vec<bool> = route.stops.iter().map(|stop| stop.locked).collect();
    sqlx::query!(
        "INSERT INTO dispatch.stops (org_id, id, route_id, order_id, kind, place, locked)
         SELECT $1, s.id, $2, s.order_id, s.kind, (s.n - 1)::int, s.locked
           FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bool[]) WITH ORDINALITY AS s (id, order_id, kind, locked, n)
         ON CONFLICT (org_id, id) DO UPDATE SET place = excluded.place, locked = excluded.locked",
        org.uuid(),
        route.id.uuid(),
        &ids,
        &orders,
        &kinds,
        &locked,
    )
    .execute(tx.conn())
    .await?;
    let version = sqlx::query_scalar!(
        "UPDATE dispatch.routes SET version = version + 1, updated_at = $3 WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        route.id.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((Locked::new(route.id, version), now))
}

/// Whose route has stops of an order.
pub async fn drivers_of_order(tx: &mut Tx, order: OrderId) -> Result<Vec<DriverId>> {
    let org = tx.org()?;
    let rows = sqlx::query_scalar!(
        "SELECT DISTINCT r.driver_id FROM dispatch.stops s
           JOIN dispatch.routes r ON r.org_id = s.org_id AND r.id = s.route_id
          WHERE s.org_id = $1 AND s.order_id = $2 ORDER BY 1",
        org.uuid(),
        order.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(DriverId::new).collect())
}
