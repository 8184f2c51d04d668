//! How many orders stand where.

use std::collections::BTreeMap;

use contracts::orders::OrderStatus;
use platform::Result;
use platform::db::{Scope, Tx};
use sqlx::{Postgres, QueryBuilder, Row as _};

use super::orders::{Search, seen};
use crate::context::{Orders, Viewer};

/// How many orders that the caller sees and that fit the columns of the search stand at each status. Those of which there are
/// none are named as well, unless others were asked for.
pub async fn by_status(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    search: &Search,
) -> Result<BTreeMap<&'static str, i64>> {
    let mut tx = context.db().read(scope).await?;
    let mut query = select(&tx)?;
    seen(&mut query, viewer);
    search.columns(&mut query);
    query.push(" GROUP BY o.status");
    let rows = query.build().fetch_all(tx.conn()).await?;
    tx.rollback().await?;
    let asked = |status: &OrderStatus| search.statuses.is_empty() || search.statuses.contains(status);
    let mut counts: BTreeMap<&'static str, i64> =
        OrderStatus::ALL.into_iter().filter(asked).map(|status| (status.as_str(), 0)).collect();
    for row in rows {
        let status: String = row.try_get("status")?;
        if let Some(status) = OrderStatus::parse(&status) {
            counts.insert(status.as_str(), row.try_get("count")?);
        }
    }
    Ok(counts)
}

fn select(tx: &Tx) -> Result<QueryBuilder<Postgres>> {
    let mut query =
        QueryBuilder::new("SELECT o.status, count(*) AS count FROM orders.orders o WHERE o.org_id = ");
    query.push_bind(tx.org()?.uuid());
    Ok(query)
}
