//! The rows of imports. What an order will be is sealed with the key of its import.

use kernel::ids::{ImportId, OrderId, SubjectId, Uuid};
use platform::db::Tx;
use platform::vault::{Place, Subject, Vault};
use platform::{Error, Result};
use serde_json::Value;

use super::kept;
use crate::commands::create::NewOrder;
use crate::domain::import::RowError;
use crate::entities::import::{Import, ImportRow, Read};

/// For sealed columns.
pub const TABLE: &str = "orders.import_rows";
/// Rows of one statement.
const CHUNK: usize = 500;

struct Row {
    id: Uuid,
    number: i32,
    state: String,
    order_id: Option<Uuid>,
    content: Option<Vec<u8>>,
    errors: Value,
}

impl Row {
    fn read(self) -> Result<ImportRow> {
        Ok(ImportRow {
            id: self.id,
            number: self.number,
            state: self.state,
            order_id: self.order_id.map(OrderId::new),
            content: self.content,
            errors: serde_json::from_value(self.errors)?,
        })
    }
}

/// One statement's worth of rows, by column.
#[derive(Default)]
struct Chunk {
    ids: Vec<Uuid>,
    numbers: Vec<i32>,
    states: Vec<String>,
    contents: Vec<Option<Vec<u8>>>,
    errors: Vec<Value>,
}

/// Writes the rows of a new import.
pub async fn insert(tx: &mut Tx, vault: &Vault, import: &Import, rows: &[Read]) -> Result<()> {
    let org = tx.org()?;
    let key = vault.subject(tx, Subject::of_org(org, import.subject)).await?;
    for part in rows.chunks(CHUNK) {
        let mut chunk = Chunk::default();
        for row in part {
            let id: Uuid = tx.id();
            let (state, content, errors) = match &row.order {
                Ok(order) => {
                    let sealed = key.seal(Place::new(TABLE, "content", id), &kept::order(order)?)?;
                    ("valid", Some(sealed), Value::Array(Vec::new()))
                }
                Err(errors) => ("invalid", None, serde_json::to_value(errors)?),
            };
            chunk.ids.push(id);
            chunk.numbers.push(i32::try_from(row.number).map_err(Error::internal)?);
            chunk.states.push(state.to_owned());
            chunk.contents.push(content);
            chunk.errors.push(errors);
        }
        write(tx, import.id, import.subject, chunk).await?;
    }
    Ok(())
}

async fn write(tx: &mut Tx, import: ImportId, subject: SubjectId, chunk: Chunk) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "INSERT INTO orders.import_rows (org_id, id, import_id, number, state, content, subject_id, errors)
         SELECT $1, r.id, $2, r.number, r.state, r.content, $3, r.errors
           FROM unnest($4::uuid[], $5::integer[], $6::text[], $7::bytea[], $8::jsonb[])
                AS r (id, number, state, content, errors)",
        org.uuid(),
        import.uuid(),
        subject.uuid(),
        &chunk.ids,
        &chunk.numbers,
        &chunk.states,
        &chunk.contents as &[Option<Vec<u8>>],
        &chunk.errors,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The next rows in a state, in the order of the file. Their import is locked.
pub async fn next(tx: &mut Tx, import: ImportId, state: &str, limit: i64) -> Result<Vec<ImportRow>> {
    page(tx, import, Some(state), 0, limit).await
}

/// A page of rows, in the order of the file.
pub async fn page(
    tx: &mut Tx,
    import: ImportId,
    state: Option<&str>,
    after: i32,
    limit: i64,
) -> Result<Vec<ImportRow>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, number, state, order_id, content, errors FROM orders.import_rows
          WHERE org_id = $1 AND import_id = $2 AND ($3::text IS NULL OR state = $3) AND number > $4
          ORDER BY number LIMIT $5",
        org.uuid(),
        import.uuid(),
        state,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The order that a row will be; `None` when its key was destroyed.
pub async fn open(tx: &mut Tx, vault: &Vault, import: &Import, row: &ImportRow) -> Result<Option<NewOrder>> {
    let Some(content) = &row.content else { return Ok(None) };
    let org = tx.org()?;
    let Some(key) = vault.existing(tx, Subject::of_org(org, import.subject)).await? else {
        return Ok(None);
    };
    kept::opened_order(&key.open(Place::new(TABLE, "content", row.id), content)?).map(Some)
}

/// Writes what became of a row.
pub async fn settle(
    tx: &mut Tx,
    row: &ImportRow,
    state: &str,
    order: Option<OrderId>,
    errors: &[RowError],
) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE orders.import_rows SET state = $3, order_id = $4, errors = $5 WHERE org_id = $1 AND id = $2",
        org.uuid(),
        row.id,
        state,
        order.map(OrderId::uuid),
        serde_json::to_value(errors)?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets what the rows of an import were to be.
pub async fn clear(tx: &mut Tx, import: ImportId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE orders.import_rows SET content = NULL
          WHERE org_id = $1 AND import_id = $2 AND content IS NOT NULL",
        org.uuid(),
        import.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
