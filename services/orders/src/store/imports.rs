//! Imports of orders.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kernel::ids::{ImportId, ShopId, SubjectId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::{Error, Result};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

use crate::domain::import::State;
use crate::entities::import::{Counts, Import};

const COLUMNS: &str = "id, version, state, shop_id, time_zone, hash, duplicate_of, mapping, format, valid, invalid, created, failed,
    undone, kept, subject_id, cleared_at, created_by, confirmed_by, undone_by, created_at, finished_at, updated_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    version: i64,
    state: String,
    shop_id: Uuid,
    time_zone: String,
    hash: Vec<u8>,
    duplicate_of: Option<Uuid>,
    mapping: Value,
    format: Value,
    valid: i32,
    invalid: i32,
    created: i32,
    failed: i32,
    undone: i32,
    kept: i32,
    subject_id: Uuid,
    cleared_at: Option<SqlTime>,
    created_by: String,
    confirmed_by: Option<String>,
    undone_by: Option<String>,
    created_at: SqlTime,
    finished_at: Option<SqlTime>,
    updated_at: SqlTime,
}

impl Row {
    fn open(self) -> Result<Import> {
        let state = State::parse(&self.state);
        Ok(Import {
            id: ImportId::new(self.id),
            version: self.version,
            state: state.ok_or_else(|| Error::internal("orders.imports.state cannot be"))?,
            shop_id: ShopId::new(self.shop_id),
            time_zone: self.time_zone,
            hash: self.hash,
            duplicate_of: self.duplicate_of.map(ImportId::new),
            mapping: serde_json::from_value(self.mapping)?,
            format: serde_json::from_value(self.format)?,
            counts: Counts {
                valid: self.valid,
                invalid: self.invalid,
                created: self.created,
                failed: self.failed,
                undone: self.undone,
                kept: self.kept,
            },
            subject: SubjectId::new(self.subject_id),
            cleared_at: self.cleared_at.map(SqlTime::to_jiff),
            created_by: self.created_by,
            confirmed_by: self.confirmed_by,
            undone_by: self.undone_by,
            created_at: self.created_at.to_jiff(),
            finished_at: self.finished_at.map(SqlTime::to_jiff),
            updated_at: self.updated_at.to_jiff(),
        })
    }
}

fn select(tx: &Tx) -> Result<QueryBuilder<Postgres>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM orders.imports WHERE org_id = "));
    query.push_bind(tx.org()?.uuid());
    Ok(query)
}

async fn fetch(tx: &mut Tx, mut query: QueryBuilder<Postgres>) -> Result<Vec<Import>> {
    let rows: Vec<Row> = query.build_query_as().fetch_all(tx.conn()).await?;
    rows.into_iter().map(Row::open).collect()
}

/// Reads one.
pub async fn find(tx: &mut Tx, id: ImportId) -> Result<Option<Import>> {
    let mut query = select(tx)?;
    query.push(" AND id = ").push_bind(id.uuid());
    Ok(fetch(tx, query).await?.pop())
}

/// Locks one and reads it.
pub async fn lock(tx: &mut Tx, id: ImportId) -> Result<Option<Import>> {
    let mut query = select(tx)?;
    query.push(" AND id = ").push_bind(id.uuid()).push(" FOR UPDATE");
    Ok(fetch(tx, query).await?.pop())
}

/// A page, newest first.
pub async fn page(tx: &mut Tx, before: Option<(Timestamp, Uuid)>, limit: i64) -> Result<Vec<Import>> {
    let mut query = select(tx)?;
    if let Some((at, id)) = before {
        query.push(" AND (created_at, id) < (").push_bind(at.to_sqlx()).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(limit);
    fetch(tx, query).await
}

/// The newest import of the same file since a moment that was not undone.
pub async fn same_file(tx: &mut Tx, hash: &[u8], since: Timestamp) -> Result<Option<ImportId>> {
    let org = tx.org()?;
    let found = sqlx::query_scalar!(
        "SELECT id FROM orders.imports
          WHERE org_id = $1 AND hash = $2 AND created_at >= $3 AND state NOT IN ('undoing', 'undone')
          ORDER BY created_at DESC LIMIT 1",
        org.uuid(),
        hash,
        since.to_sqlx() as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(ImportId::new))
}

/// Writes a new one.
pub async fn insert(tx: &mut Tx, import: &Import) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO orders.imports (org_id, id, version, state, shop_id, time_zone, hash, duplicate_of, mapping, format, valid,
             invalid, subject_id, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)",
        org.uuid(),
        import.id.uuid(),
        import.version,
        import.state.as_str(),
        import.shop_id.uuid(),
        import.time_zone,
        import.hash,
        import.duplicate_of.map(ImportId::uuid),
        serde_json::to_value(&import.mapping)?,
        serde_json::to_value(&import.format)?,
        import.counts.valid,
        import.counts.invalid,
        import.subject.uuid(),
        import.created_by,
        import.created_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes where a locked one stands.
pub async fn save(tx: &mut Tx, import: &mut Import) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let counts = import.counts;
    import.version = sqlx::query_scalar!(
        "UPDATE orders.imports
            SET state = $3, valid = $4, created = $5, failed = $6, undone = $7, kept = $8, cleared_at = $9, confirmed_by = $10,
                undone_by = $11, finished_at = $12, version = version + 1, updated_at = $13
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        import.id.uuid(),
        import.state.as_str(),
        counts.valid,
        counts.created,
        counts.failed,
        counts.undone,
        counts.kept,
        import.cleared_at.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        import.confirmed_by,
        import.undone_by,
        import.finished_at.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    import.updated_at = now;
    Ok(())
}

/// Removes one with its rows.
pub async fn delete(tx: &mut Tx, id: ImportId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM orders.imports WHERE org_id = $1 AND id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
