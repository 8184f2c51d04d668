//! The rows of an import become orders, and orders are called off again: some rows in a transaction, each row with what
//! became of it. Whatever is killed, a row has one order or none yet.

use contracts::orders::OrderStatus;
use kernel::ids::{ImportId, OrderId};
use platform::Result;
use platform::db::Tx;

use super::create::create;
use super::imports::forget_later;
use super::steps;
use crate::context::Orders;
use crate::domain::import::{RowError, State};
use crate::entities::import::{Import, ImportRow};
use crate::error::is_refusal;
use crate::store::{import_rows, imports, orders};

/// Rows of one transaction. While it runs nobody else takes a number of this shop.
const AT_ONCE: i64 = 25;

/// Locks an import that is doing something.
async fn doing(tx: &mut Tx, id: ImportId, state: State) -> Result<Option<Import>> {
    Ok(imports::lock(tx, id).await?.filter(|import| import.state == state))
}

/// Saves how an import stands after some rows; with fewer than wanted it has come to its end.
async fn went(tx: &mut Tx, mut import: Import, rows: usize, end: State) -> Result<bool> {
    let ended = i64::try_from(rows).unwrap_or(i64::MAX) < AT_ONCE;
    if ended {
        import.state = end;
        import.finished_at = Some(tx.now());
        if import.cleared_at.is_none() {
            forget_later(tx, import.id).await?;
        }
    }
    imports::save(tx, &mut import).await?;
    Ok(!ended)
}

/// Makes the next orders; whether there are more.
pub async fn create_some(tx: &mut Tx, context: &Orders, id: ImportId) -> Result<bool> {
    let Some(mut import) = doing(tx, id, State::Running).await? else { return Ok(false) };
    let rows = import_rows::next(tx, id, "valid", AT_ONCE).await?;
    for row in &rows {
        import.counts.valid -= 1;
        match one(tx, context, &import, row).await? {
            Ok(order) => {
                import.counts.created += 1;
                import_rows::settle(tx, row, "created", Some(order), &[]).await?;
            }
            Err(errors) => {
                import.counts.failed += 1;
                import_rows::settle(tx, row, "failed", None, &errors).await?;
            }
        }
    }
    went(tx, import, rows.len(), State::Done).await
}

/// Makes the order of a row. A refusal comes before anything of the order is written, so the transaction goes on.
async fn one(
    tx: &mut Tx,
    context: &Orders,
    import: &Import,
    row: &ImportRow,
) -> Result<Result<OrderId, Vec<RowError>>> {
    let Some(order) = import_rows::open(tx, context.vault(), import, row).await? else {
        let text = "its content was forgotten before it was made".to_owned();
        return Ok(Err(vec![RowError { column: None, pointer: String::new(), text }]));
    };
    match create(tx, context, &order, "confirm_order_import").await {
        Ok(order) => Ok(Ok(order.id)),
        Err(refusal) if is_refusal(&refusal) => Ok(Err(RowError::of(&refusal, &import.mapping))),
        Err(error) => Err(error),
    }
}

/// Calls the next orders off; those that it called off, and whether there are more.
pub async fn undo_some(tx: &mut Tx, context: &Orders, id: ImportId) -> Result<(Vec<OrderId>, bool)> {
    let Some(mut import) = doing(tx, id, State::Undoing).await? else { return Ok((Vec::new(), false)) };
    let rows = import_rows::next(tx, id, "created", AT_ONCE).await?;
    let mut gone = Vec::new();
    for row in &rows {
        import.counts.created -= 1;
        match stands(tx, row).await? {
            Some((order, OrderStatus::Created | OrderStatus::Assigned)) => {
                steps::cancel(tx, context, order, "other", None, "undo_order_import").await?;
                gone.push(order);
                import.counts.undone += 1;
                import_rows::settle(tx, row, "undone", row.order_id, &[]).await?;
            }
            Some((_, OrderStatus::Cancelled)) => {
                import.counts.undone += 1;
                import_rows::settle(tx, row, "undone", row.order_id, &[]).await?;
            }
            other => {
                import.counts.kept += 1;
                let status = other.map_or("gone", |(_, status)| status.as_str());
                let text = format!("could not be undone: the order is {status}");
                let error = RowError { column: None, pointer: String::new(), text };
                import_rows::settle(tx, row, "kept", row.order_id, &[error]).await?;
            }
        }
    }
    Ok((gone, went(tx, import, rows.len(), State::Undone).await?))
}

/// Locks the order of a row: where it stands.
async fn stands(tx: &mut Tx, row: &ImportRow) -> Result<Option<(OrderId, OrderStatus)>> {
    let Some(order) = row.order_id else { return Ok(None) };
    let order = orders::lock(tx, order).await?;
    Ok(order.map(|order| (order.id, order.movement.status())))
}
