//! Packages, and the look-up from a tracking number to its organisation.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kernel::ids::{OrderId, OrgId, PackageId, Uuid};
use platform::db::{Locked, Tx};
use platform::idempotency::Key;
use platform::{Error, Result};
use sqlx::{Postgres, QueryBuilder};

use super::orders::load;
use crate::domain::package::PackageStatus;
use crate::entities::Package;

const COLUMNS: &str =
    "id, order_id, version, tracking_number, description, barcode, weight_g, volume_ml, count, status,
    updated_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    order_id: Uuid,
    version: i64,
    tracking_number: String,
    description: Option<String>,
    barcode: Option<String>,
    weight_g: i64,
    volume_ml: i64,
    count: i64,
    status: String,
    updated_at: SqlTime,
}

impl Row {
    fn read(self) -> Result<Package> {
        let status = PackageStatus::parse(&self.status).ok_or_else(|| {
            Error::internal(format!("orders.packages.status of {} cannot be", PackageId::new(self.id)))
        })?;
        Ok(Package {
            id: PackageId::new(self.id),
            order_id: OrderId::new(self.order_id),
            version: self.version,
            tracking_number: self.tracking_number,
            description: self.description,
            barcode: self.barcode,
            load: load(self.weight_g, self.volume_ml, self.count),
            status,
            updated_at: self.updated_at.to_jiff(),
        })
    }
}

/// What a tracking number is looked up by.
fn hash(tracking_number: &str) -> Vec<u8> {
    Key::fingerprint("package", "tracking_number", tracking_number.as_bytes()).to_vec()
}

/// Whose a tracking number is.
pub async fn owner(tx: &mut Tx, tracking_number: &str) -> Result<Option<(OrgId, PackageId)>> {
    let found = sqlx::query!(
        r#"SELECT org_id AS "org_id!", package_id AS "package_id!" FROM orders.package_of($1)"#,
        hash(tracking_number),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(|row| (OrgId::new(row.org_id), PackageId::new(row.package_id))))
}

/// The packages of some orders, oldest first.
pub async fn of_orders(tx: &mut Tx, orders: &[Uuid]) -> Result<Vec<Package>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, order_id, version, tracking_number, description, barcode, weight_g, volume_ml, count, status,
                  updated_at AS "updated_at: SqlTime"
             FROM orders.packages WHERE org_id = $1 AND order_id = ANY ($2) ORDER BY id"#,
        org.uuid(),
        orders,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A query over the rows of packages that is not finished.
pub fn select(tx: &Tx) -> Result<QueryBuilder<Postgres>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM orders.packages WHERE org_id = "));
    query.push_bind(tx.org()?.uuid());
    Ok(query)
}

/// Runs such a query.
pub async fn fetch(tx: &mut Tx, mut query: QueryBuilder<Postgres>) -> Result<Vec<Package>> {
    let rows: Vec<Row> = query.build_query_as().fetch_all(tx.conn()).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Reads a package by its number.
pub async fn find(tx: &mut Tx, tracking_number: &str) -> Result<Option<Package>> {
    let mut query = select(tx)?;
    query.push(" AND tracking_number = ").push_bind(tracking_number.to_owned());
    Ok(fetch(tx, query).await?.pop())
}

/// Writes new packages.
pub async fn insert(tx: &mut Tx, packages: &[Package]) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    for package in packages {
        sqlx::query!(
            "WITH known AS (INSERT INTO orders.package_index (hash, org_id, package_id) VALUES ($12, $1, $2))
             INSERT INTO orders.packages (org_id, id, order_id, version, tracking_number, description, barcode, weight_g,
                                          volume_ml, count, status, created_at, updated_at)
             VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
            org.uuid(),
            package.id.uuid(),
            package.order_id.uuid(),
            package.tracking_number,
            package.description,
            package.barcode,
            i64::from(package.load.weight_g),
            i64::from(package.load.volume_ml),
            i64::from(package.load.count),
            package.status.as_str(),
            now.to_sqlx() as _,
            hash(&package.tracking_number),
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// Writes a package of a locked order as it is now.
pub async fn save(tx: &mut Tx, package: &mut Package) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    package.version = sqlx::query_scalar!(
        "UPDATE orders.packages
            SET description = $3, barcode = $4, weight_g = $5, volume_ml = $6, count = $7, status = $8,
                version = version + 1, updated_at = $9
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        package.id.uuid(),
        package.description,
        package.barcode,
        i64::from(package.load.weight_g),
        i64::from(package.load.volume_ml),
        i64::from(package.load.count),
        package.status.as_str(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    package.updated_at = now;
    Ok(Locked::new(package.id, package.version))
}

/// Removes a package that was never carried, with its history and its number.
pub async fn delete(tx: &mut Tx, id: PackageId) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!("DELETE FROM orders.scans WHERE org_id = $1 AND package_id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "DELETE FROM orders.package_index WHERE org_id = $1 AND package_id = $2",
        org.uuid(),
        id.uuid()
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("DELETE FROM orders.packages WHERE org_id = $1 AND id = $2", org.uuid(), id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
