//! What was learned from finished deliveries, and the deliveries.

use ::eta::Model;
use ::eta::shift::Shift;
use contracts::orders::OrderFacts;
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::Result;
use platform::db::{Locked, Tx};
use serde_json::Value;

use crate::domain::history::Made;

/// How a driver does, with the last arrival that it stands on.
pub async fn shift(tx: &mut Tx, driver: DriverId) -> Result<Option<(Shift, Timestamp)>> {
    let org = tx.org()?;
    let row = sqlx::query!(
        r#"SELECT shift, observed_at AS "observed_at: SqlTime" FROM tracking.eta_shifts
            WHERE org_id = $1 AND driver_id = $2"#,
        org.uuid(),
        driver.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    // One that this release cannot read begins anew: it is of a few hours.
    Ok(row.map(|row| (serde_json::from_value(row.shift).unwrap_or_default(), row.observed_at.to_jiff())))
}

/// Writes how a driver does.
pub async fn save_shift(tx: &mut Tx, driver: DriverId, shift: &Shift, at: Timestamp) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO tracking.eta_shifts (org_id, driver_id, shift, observed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, driver_id) DO UPDATE SET shift = excluded.shift, observed_at = excluded.observed_at",
        org.uuid(),
        driver.uuid(),
        serde_json::to_value(shift)?,
        at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What is known of a model.
#[derive(Debug, Clone, Copy)]
pub struct Trained {
    /// When.
    pub at: Timestamp,
    /// On so many finished deliveries.
    pub deliveries: u32,
    /// Its windows stand on so many predictions; 0: they are a rule of thumb.
    pub calibrated_on: u32,
}

/// What is known of the model; `None`: there is none yet.
pub async fn trained(tx: &mut Tx) -> Result<Option<Trained>> {
    let org = tx.org()?;
    let row = sqlx::query!(
        r#"SELECT trained_at AS "trained_at: SqlTime", deliveries, calibrated_on FROM tracking.eta_models
            WHERE org_id = $1"#,
        org.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Trained {
        at: row.trained_at.to_jiff(),
        deliveries: u32::try_from(row.deliveries).unwrap_or_default(),
        calibrated_on: u32::try_from(row.calibrated_on).unwrap_or_default(),
    }))
}

/// The model, if this release can read it; untrained where there is none.
pub async fn model(tx: &mut Tx) -> Result<Result<Model, serde_json::Error>> {
    let org = tx.org()?;
    let model = sqlx::query_scalar!("SELECT model FROM tracking.eta_models WHERE org_id = $1", org.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(model.map_or_else(|| Ok(Model::default()), serde_json::from_value))
}

/// Puts a model in place of the one before; the row is locked then.
pub async fn save_model(tx: &mut Tx, trained: &Trained, model: &Model) -> Result<Locked> {
    let org = tx.org()?;
    let version = sqlx::query_scalar!(
        "INSERT INTO tracking.eta_models (org_id, trained_at, deliveries, calibrated_on, model, version)
         VALUES ($1, $2, $3, $4, $5, 1)
         ON CONFLICT (org_id) DO UPDATE
            SET trained_at = excluded.trained_at, deliveries = excluded.deliveries,
                calibrated_on = excluded.calibrated_on, model = excluded.model, version = eta_models.version + 1
         RETURNING version",
        org.uuid(),
        trained.at.to_sqlx() as _,
        i32::try_from(trained.deliveries).unwrap_or(i32::MAX),
        i32::try_from(trained.calibrated_on).unwrap_or(i32::MAX),
        serde_json::to_value(model)?,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(org.uuid(), version))
}

/// Deliveries that were made since then, the latest first.
pub async fn made(tx: &mut Tx, since: Timestamp) -> Result<Vec<Made>> {
    struct Row {
        facts: Value,
        arrived_at_pickup: Option<SqlTime>,
        picked_up: Option<SqlTime>,
        arrived_at_dropoff: Option<SqlTime>,
        delivered: Option<SqlTime>,
    }
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT o.facts, t.arrived_at_pickup AS "arrived_at_pickup: SqlTime", t.picked_up AS "picked_up: SqlTime",
                  t.arrived_at_dropoff AS "arrived_at_dropoff: SqlTime", t.delivered AS "delivered: SqlTime"
             FROM tracking.orders o
             JOIN LATERAL (SELECT max(u.at) FILTER (WHERE u.kind = 'arrived_at_pickup') AS arrived_at_pickup,
                                  max(u.at) FILTER (WHERE u.kind = 'picked_up') AS picked_up,
                                  max(u.at) FILTER (WHERE u.kind = 'arrived_at_dropoff') AS arrived_at_dropoff,
                                  max(u.at) FILTER (WHERE u.kind = 'delivered') AS delivered
                             FROM tracking.delivery_updates u
                            WHERE u.org_id = o.org_id AND u.order_id = o.id AND u.attempt = o.attempt) t ON true
            WHERE o.org_id = $1 AND o.ended_at >= $2 AND o.status = 'delivered'
            ORDER BY o.ended_at DESC LIMIT $3"#,
        org.uuid(),
        since.to_sqlx() as _,
        super::LEARNED_FROM,
    )
    .fetch_all(tx.conn())
    .await?;
    let made = |row: Row| {
        let facts: OrderFacts = serde_json::from_value(row.facts)?;
        Ok(Made {
            facts,
            arrived_at_pickup: super::time(row.arrived_at_pickup),
            picked_up: super::time(row.picked_up),
            arrived_at_dropoff: super::time(row.arrived_at_dropoff),
            delivered: super::time(row.delivered),
        })
    };
    rows.into_iter().map(made).collect()
}
