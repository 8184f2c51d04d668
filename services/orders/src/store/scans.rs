//! What was reported of packages: appended, never changed.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kernel::geo::Position;
use kernel::ids::{PackageId, ScanId, SubjectId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;
use platform::vault::{Place, Private, Vault};
use sqlx::QueryBuilder;

use super::{open_said, position, seal_said};
use crate::entities::Scan;

/// For sealed columns.
pub const TABLE: &str = "orders.scans";

/// What was reported.
#[derive(Debug, Clone)]
pub struct NewScan {
    /// Where the package stands by that.
    pub status: &'static str,
    /// By the device's clock.
    pub at: Timestamp,
    /// Where.
    pub position: Option<Position>,
    /// What was said.
    pub note: Option<Private>,
}

/// Which scans of a package.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// South, west, north, east.
    pub within: Option<[f64; 4]>,
    /// Only those with a position.
    pub placed: bool,
    /// Behind this one.
    pub after: Option<(Timestamp, Uuid)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    status: String,
    at: SqlTime,
    recorded_at: SqlTime,
    by: String,
    lat: Option<f64>,
    lon: Option<f64>,
    note: Option<Vec<u8>>,
    subject_id: Option<Uuid>,
}

/// Appends to the history of a package whose order is locked.
pub async fn append(
    tx: &mut Tx,
    vault: &Vault,
    package: PackageId,
    subject: SubjectId,
    new: &NewScan,
) -> Result<ScanId> {
    let (org, now, by) = (tx.org()?, tx.now(), tx.scope().actor.clone());
    let id: ScanId = tx.id();
    let place = Place::new(TABLE, "note", id);
    let note = seal_said(tx, vault, subject, place, new.note.as_ref()).await?;
    let note_subject = note.is_some().then_some(subject.uuid());
    sqlx::query!(
        "INSERT INTO orders.scans (org_id, package_id, id, status, at, recorded_at, by, lat, lon, note, subject_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org.uuid(),
        package.uuid(),
        id.uuid(),
        new.status,
        new.at.to_sqlx() as _,
        now.to_sqlx() as _,
        by,
        new.position.map(Position::lat),
        new.position.map(Position::lon),
        note,
        note_subject,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// Scans of a package by the devices' clocks, oldest first.
pub async fn list(
    tx: &mut Tx,
    vault: &Vault,
    package: PackageId,
    which: &Which,
    limit: i64,
) -> Result<Vec<Scan>> {
    let org = tx.org()?;
    let mut query = QueryBuilder::new(
        "SELECT id, status, at, recorded_at, by, lat, lon, note, subject_id FROM orders.scans WHERE org_id = ",
    );
    query.push_bind(org.uuid()).push(" AND package_id = ").push_bind(package.uuid());
    if let Some(from) = which.from {
        query.push(" AND at >= ").push_bind(from.to_sqlx());
    }
    if let Some(until) = which.until {
        query.push(" AND at < ").push_bind(until.to_sqlx());
    }
    if which.placed {
        query.push(" AND lat IS NOT NULL");
    }
    if let Some([south, west, north, east]) = which.within {
        query.push(" AND lat BETWEEN ").push_bind(south).push(" AND ").push_bind(north);
        query.push(" AND lon BETWEEN ").push_bind(west).push(" AND ").push_bind(east);
    }
    if let Some((at, id)) = which.after {
        query.push(" AND (at, id) > (").push_bind(at.to_sqlx()).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY at, id LIMIT ").push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(tx.conn()).await?;
    let mut scans = Vec::with_capacity(rows.len());
    for row in rows {
        let place = Place::new(TABLE, "note", row.id);
        let note = open_said(tx, vault, row.subject_id, place, row.note.as_ref()).await?;
        scans.push(Scan {
            id: ScanId::new(row.id),
            status: row.status,
            at: row.at.to_jiff(),
            recorded_at: row.recorded_at.to_jiff(),
            by: row.by,
            position: position(row.lat, row.lon),
            note,
        });
    }
    Ok(scans)
}
