//! Stars of customers, one rating per order.

use jiff_sqlx::ToSqlx;
use kernel::ids::{DriverId, OrderId};
use platform::Result;
use platform::db::Tx;

/// Keeps a rating; false when the order has one already.
pub async fn insert(tx: &mut Tx, order: OrderId, driver: DriverId, stars: i16) -> Result<bool> {
    let (org, now) = (tx.org()?, tx.now());
    let done = sqlx::query!(
        "INSERT INTO drivers.ratings (org_id, order_id, driver_id, stars, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (org_id, order_id) DO NOTHING",
        org.uuid(),
        order.uuid(),
        driver.uuid(),
        stars,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
