//! Rules by which orders come back. The template is sealed as a whole.

use jiff_sqlx::{DateTime as SqlDateTime, Timestamp as SqlTime, ToSqlx as _};
use kernel::ids::{OrgId, RecurrenceId, ShopId, SubjectId, Uuid};
use kernel::time::Timestamp;
use platform::db::Tx;
use platform::vault::{Place, Subject, Vault};
use platform::{Error, Result};
use sqlx::{Postgres, QueryBuilder};

use super::kept;
use crate::entities::recurrence::{Next, Recurrence, Template};

/// For sealed columns.
pub const TABLE: &str = "orders.recurrences";

const COLUMNS: &str =
    "id, version, name, shop_id, time_zone, rrule, starts_at, ends_at, lead_s, paused, template, subject_id,
    next_occurs_at, next_at, last_error, last_error_at, created_by, created_at, updated_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    version: i64,
    name: String,
    shop_id: Option<Uuid>,
    time_zone: String,
    rrule: String,
    starts_at: SqlDateTime,
    ends_at: Option<SqlDateTime>,
    lead_s: i32,
    paused: bool,
    template: Vec<u8>,
    subject_id: Uuid,
    next_occurs_at: Option<SqlTime>,
    next_at: Option<SqlTime>,
    last_error: Option<String>,
    last_error_at: Option<SqlTime>,
    created_by: String,
    created_at: SqlTime,
    updated_at: SqlTime,
}

/// With its sealed template beside it.
type Closed = (Recurrence, Vec<u8>);

impl From<Row> for Closed {
    fn from(row: Row) -> Self {
        let next = row.next_occurs_at.zip(row.next_at);
        let one = Recurrence {
            id: RecurrenceId::new(row.id),
            version: row.version,
            name: row.name,
            shop_id: row.shop_id.map(ShopId::new),
            time_zone: row.time_zone,
            rrule: row.rrule,
            starts_at: row.starts_at.to_jiff(),
            ends_at: row.ends_at.map(SqlDateTime::to_jiff),
            lead_s: row.lead_s,
            paused: row.paused,
            template: None,
            subject: SubjectId::new(row.subject_id),
            next: next.map(|(occurs_at, at)| Next { occurs_at: occurs_at.to_jiff(), at: at.to_jiff() }),
            last_error: row.last_error.zip(row.last_error_at.map(SqlTime::to_jiff)),
            created_by: row.created_by,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        };
        (one, row.template)
    }
}

async fn seal(tx: &mut Tx, vault: &Vault, one: &Recurrence, template: &Template) -> Result<Vec<u8>> {
    let org = tx.org()?;
    let key = vault.subject(tx, Subject::of_org(org, one.subject)).await?;
    key.seal(Place::new(TABLE, "template", one.id), &kept::template(template)?)
}

/// Opens the template. Of somebody who was erased nothing is left.
async fn open(tx: &mut Tx, vault: &Vault, (mut one, sealed): Closed) -> Result<Recurrence> {
    let org = tx.org()?;
    if let Some(key) = vault.existing(tx, Subject::of_org(org, one.subject)).await? {
        let text = key.open(Place::new(TABLE, "template", one.id), &sealed)?;
        one.template = Some(kept::opened_template(&text)?);
    }
    Ok(one)
}

fn select(tx: &Tx) -> Result<QueryBuilder<Postgres>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM orders.recurrences WHERE org_id = "));
    query.push_bind(tx.org()?.uuid());
    Ok(query)
}

async fn fetch(tx: &mut Tx, mut query: QueryBuilder<Postgres>) -> Result<Vec<Closed>> {
    let rows: Vec<Row> = query.build_query_as().fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(Closed::from).collect())
}

/// Reads one, open.
pub async fn find(tx: &mut Tx, vault: &Vault, id: RecurrenceId) -> Result<Option<Recurrence>> {
    let mut query = select(tx)?;
    query.push(" AND id = ").push_bind(id.uuid());
    match fetch(tx, query).await?.pop() {
        Some(closed) => open(tx, vault, closed).await.map(Some),
        None => Ok(None),
    }
}

/// Locks one and reads it, open.
pub async fn lock(tx: &mut Tx, vault: &Vault, id: RecurrenceId) -> Result<Option<Recurrence>> {
    let mut query = select(tx)?;
    query.push(" AND id = ").push_bind(id.uuid()).push(" FOR UPDATE");
    match fetch(tx, query).await?.pop() {
        Some(closed) => open(tx, vault, closed).await.map(Some),
        None => Ok(None),
    }
}

/// A page, newest first, open.
pub async fn page(
    tx: &mut Tx,
    vault: &Vault,
    shop: Option<ShopId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Recurrence>> {
    let mut query = select(tx)?;
    if let Some(shop) = shop {
        query.push(" AND shop_id = ").push_bind(shop.uuid());
    }
    if let Some(before) = before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    let closed = fetch(tx, query).await?;
    let mut open_ones = Vec::with_capacity(closed.len());
    for one in closed {
        open_ones.push(open(tx, vault, one).await?);
    }
    Ok(open_ones)
}

/// Those of a shop that keep to another time zone than it does now, locked and closed.
pub async fn elsewhere(tx: &mut Tx, shop: ShopId, time_zone: &str) -> Result<Vec<Recurrence>> {
    let mut query = select(tx)?;
    query.push(" AND shop_id = ").push_bind(shop.uuid());
    query.push(" AND time_zone <> ").push_bind(time_zone.to_owned()).push(" ORDER BY id FOR UPDATE");
    Ok(fetch(tx, query).await?.into_iter().map(|(one, _)| one).collect())
}

/// One that is due, and in whose name its orders are placed.
#[derive(Debug, Clone)]
pub struct Due {
    /// Whose.
    pub org: OrgId,
    /// Which.
    pub id: RecurrenceId,
    /// The label of who made it.
    pub created_by: String,
}

/// Of all organisations, those that are due, longest first. A named function: it looks across organisations.
pub async fn due(tx: &mut Tx, limit: usize) -> Result<Vec<Due>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", recurrence_id AS "recurrence_id!", created_by AS "created_by!"
             FROM orders.recurrences_due($1, $2)"#,
        now.to_sqlx() as _,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(tx.conn())
    .await?;
    let due = rows.into_iter().map(|row| Due {
        org: OrgId::new(row.org_id),
        id: RecurrenceId::new(row.recurrence_id),
        created_by: row.created_by,
    });
    Ok(due.collect())
}

/// Writes a new one.
pub async fn insert(tx: &mut Tx, vault: &Vault, one: &Recurrence) -> Result<()> {
    let org = tx.org()?;
    let template = one.template.as_ref().ok_or_else(|| Error::internal("a new recurrence has a template"))?;
    let sealed = seal(tx, vault, one, template).await?;
    sqlx::query!(
        "INSERT INTO orders.recurrences (org_id, id, version, name, shop_id, time_zone, rrule, starts_at, ends_at, lead_s, paused,
             template, subject_id, next_occurs_at, next_at, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)",
        org.uuid(),
        one.id.uuid(),
        one.version,
        one.name,
        one.shop_id.map(ShopId::uuid),
        one.time_zone,
        one.rrule,
        one.starts_at.to_sqlx() as _,
        one.ends_at.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        one.lead_s,
        one.paused,
        sealed,
        one.subject.uuid(),
        one.next.map(|next| next.occurs_at.to_sqlx()) as _,
        one.next.map(|next| next.at.to_sqlx()) as _,
        one.created_by,
        one.created_at.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes a locked one as it is now; a closed template stays as it was.
pub async fn save(tx: &mut Tx, vault: &Vault, one: &mut Recurrence) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let sealed = match &one.template {
        Some(template) => Some(seal(tx, vault, one, template).await?),
        None => None,
    };
    one.version = sqlx::query_scalar!(
        "UPDATE orders.recurrences
            SET name = $3, shop_id = $4, time_zone = $5, rrule = $6, starts_at = $7, ends_at = $8, lead_s = $9, paused = $10,
                template = coalesce($11, template), subject_id = $12, next_occurs_at = $13, next_at = $14, last_error = $15,
                last_error_at = $16, version = version + 1, updated_at = $17
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        one.id.uuid(),
        one.name,
        one.shop_id.map(ShopId::uuid),
        one.time_zone,
        one.rrule,
        one.starts_at.to_sqlx() as _,
        one.ends_at.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        one.lead_s,
        one.paused,
        sealed,
        one.subject.uuid(),
        one.next.map(|next| next.occurs_at.to_sqlx()) as _,
        one.next.map(|next| next.at.to_sqlx()) as _,
        one.last_error.as_ref().map(|(text, _)| text),
        one.last_error.as_ref().map(|(_, at): &(String, Timestamp)| at.to_sqlx()) as _,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    one.updated_at = now;
    Ok(())
}

/// Removes a locked one with what became of its occurrences; its orders stay.
pub async fn delete(tx: &mut Tx, id: RecurrenceId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM orders.recurrences WHERE org_id = $1 AND id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
