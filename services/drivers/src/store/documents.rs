//! Documents of drivers. They change under the row lock of their driver.

use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTime, ToSqlx};
use kernel::ids::{DocumentId, DriverId, FileId, Uuid};
use platform::db::Tx;
use platform::vault::{Place, Private, Subject, Vault};
use platform::{Error, Result};

use crate::domain::documents::DocumentKind;
use crate::entities::{Document, DocumentDetails};

const TABLE: &str = "drivers.documents";

struct Row {
    id: Uuid,
    version: i64,
    driver_id: Uuid,
    kind: String,
    number: Option<Vec<u8>>,
    expires_on: Option<SqlDate>,
    required: bool,
    photo: Option<Uuid>,
    created_at: SqlTime,
    updated_at: SqlTime,
}

async fn open(tx: &mut Tx, vault: &Vault, row: Row) -> Result<Document> {
    let (org, id) = (tx.org()?, DocumentId::new(row.id));
    let number = match row.number {
        None => None,
        Some(sealed) => match vault.existing(tx, Subject::of_org(org, row.driver_id)).await? {
            Some(key) => Some(key.open(Place::new(TABLE, "number", id), &sealed)?),
            None => None,
        },
    };
    let kind = DocumentKind::parse(&row.kind);
    Ok(Document {
        id,
        driver_id: DriverId::new(row.driver_id),
        version: row.version,
        details: DocumentDetails {
            kind: kind.ok_or_else(|| Error::internal(format!("no kind of document: {}", row.kind)))?,
            expires_on: row.expires_on.map(SqlDate::to_jiff),
            required: row.required,
        },
        number,
        photo: row.photo.map(FileId::new),
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
    })
}

async fn seal(
    tx: &mut Tx,
    vault: &Vault,
    driver: DriverId,
    id: DocumentId,
    number: Option<&Private>,
) -> Result<Option<Vec<u8>>> {
    let Some(number) = number else { return Ok(None) };
    let org = tx.org()?;
    let key = vault.subject(tx, Subject::of_org(org, driver)).await?;
    key.seal(Place::new(TABLE, "number", id), number).map(Some)
}

/// Adds a document of a locked driver.
pub async fn insert(
    tx: &mut Tx,
    vault: &Vault,
    driver_id: DriverId,
    details: DocumentDetails,
    number: Option<Private>,
) -> Result<Document> {
    let (id, org, now): (DocumentId, _, _) = (tx.id(), tx.org()?, tx.now());
    let sealed = seal(tx, vault, driver_id, id, number.as_ref()).await?;
    sqlx::query!(
        "INSERT INTO drivers.documents (org_id, id, driver_id, kind, number, expires_on, required, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        org.uuid(),
        id.uuid(),
        driver_id.uuid(),
        details.kind.as_str(),
        sealed,
        details.expires_on.map(ToSqlx::to_sqlx) as _,
        details.required,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(Document { id, driver_id, version: 1, details, number, photo: None, created_at: now, updated_at: now })
}

/// Reads a document of a driver.
pub async fn find(tx: &mut Tx, vault: &Vault, driver: DriverId, id: DocumentId) -> Result<Option<Document>> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, driver_id, kind, number, expires_on AS "expires_on: SqlDate", required, photo,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.documents WHERE org_id = $1 AND driver_id = $2 AND id = $3"#,
        org.uuid(),
        driver.uuid(),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    match row {
        Some(row) => open(tx, vault, row).await.map(Some),
        None => Ok(None),
    }
}

/// The documents of a driver, oldest first.
pub async fn list(
    tx: &mut Tx,
    vault: &Vault,
    driver: DriverId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Document>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, version, driver_id, kind, number, expires_on AS "expires_on: SqlDate", required, photo,
                  created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM drivers.documents WHERE org_id = $1 AND driver_id = $2 AND ($3::uuid IS NULL OR id > $3)
            ORDER BY id LIMIT $4"#,
        org.uuid(),
        driver.uuid(),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut documents = Vec::with_capacity(rows.len());
    for row in rows {
        documents.push(open(tx, vault, row).await?);
    }
    Ok(documents)
}

/// How many documents a driver has.
pub async fn count(tx: &mut Tx, driver: DriverId) -> Result<i64> {
    let org = tx.org()?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM drivers.documents WHERE org_id = $1 AND driver_id = $2"#,
        org.uuid(),
        driver.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// Writes a document whose driver is locked.
pub async fn update(tx: &mut Tx, vault: &Vault, document: &Document) -> Result<Document> {
    let (org, now) = (tx.org()?, tx.now());
    let sealed = seal(tx, vault, document.driver_id, document.id, document.number.as_ref()).await?;
    let version = sqlx::query_scalar!(
        "UPDATE drivers.documents
            SET kind = $3, number = $4, expires_on = $5, required = $6, photo = $7, updated_at = $8, version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        document.id.uuid(),
        document.details.kind.as_str(),
        sealed,
        document.details.expires_on.map(ToSqlx::to_sqlx) as _,
        document.details.required,
        document.photo.map(FileId::uuid),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Document { version, updated_at: now, ..document.clone() })
}

/// Removes a document whose driver is locked.
pub async fn delete(tx: &mut Tx, id: DocumentId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM drivers.documents WHERE org_id = $1 AND id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
