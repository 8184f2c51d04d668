//! Numbers of a day. The counter's row stays locked until the order commits: no number is given twice, and one that a
//! roll-back gave up is given again.

use jiff::civil::Date;
use jiff_sqlx::ToSqlx as _;
use platform::Result;
use platform::db::Tx;

/// The next number of these letters on this day.
pub async fn next(tx: &mut Tx, prefix: &str, day: Date) -> Result<i32> {
    let org = tx.org()?;
    let next = sqlx::query_scalar!(
        "INSERT INTO orders.counters (org_id, prefix, day, last) VALUES ($1, $2, $3, 1)
         ON CONFLICT (org_id, prefix, day) DO UPDATE SET last = counters.last + 1 RETURNING last",
        org.uuid(),
        prefix,
        day.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(next)
}
