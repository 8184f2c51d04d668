//! PINs of stops, as hashes that are keyed with the organisation's key and bound to order and stop.

use kernel::ids::OrderId;
use platform::Result;
use platform::db::Tx;
use platform::vault::{Private, Vault};

use crate::domain::proof::Stop;

async fn hash(tx: &mut Tx, vault: &Vault, order: OrderId, stop: Stop, pin: &Private) -> Result<Vec<u8>> {
    let keys = vault.org(tx).await?;
    Ok(keys.index("orders.pins.hash", &format!("{order} {} {}", stop.as_str(), pin.reveal())))
}

/// Sets a PIN anew: wrong tries are forgotten.
pub async fn set(tx: &mut Tx, vault: &Vault, order: OrderId, stop: Stop, pin: &Private) -> Result<()> {
    let org = tx.org()?;
    let hash = hash(tx, vault, order, stop, pin).await?;
    sqlx::query!(
        "INSERT INTO orders.pins (org_id, order_id, stop, hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, order_id, stop) DO UPDATE SET hash = $4, wrong = 0",
        org.uuid(),
        order.uuid(),
        stop.as_str(),
        hash,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether a PIN is the one that was set, and how many were wrong before; `None` when none was set.
pub async fn check(
    tx: &mut Tx,
    vault: &Vault,
    order: OrderId,
    stop: Stop,
    pin: &Private,
) -> Result<Option<(bool, i16)>> {
    let org = tx.org()?;
    let presented = hash(tx, vault, order, stop, pin).await?;
    let row = sqlx::query!(
        "SELECT hash, wrong FROM orders.pins WHERE org_id = $1 AND order_id = $2 AND stop = $3 FOR UPDATE",
        org.uuid(),
        order.uuid(),
        stop.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.hash == presented, row.wrong)))
}

/// Counts a wrong PIN.
pub async fn wrong(tx: &mut Tx, order: OrderId, stop: Stop) -> Result<()> {
    let org = tx.org()?;
    sqlx::query!(
        "UPDATE orders.pins SET wrong = wrong + 1 WHERE org_id = $1 AND order_id = $2 AND stop = $3",
        org.uuid(),
        order.uuid(),
        stop.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
