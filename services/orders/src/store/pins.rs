//! PINs of stops, as hashes that are keyed with the organisation's key and bound to order and stop. That of the drop-off is
//! kept sealed besides: the customer's page shows it.

use kernel::ids::{OrderId, SubjectId, Uuid};
use platform::Result;
use platform::db::Tx;
use platform::vault::{Place, Private, Vault};

use super::{open_said, seal_said};
use crate::domain::proof::Stop;
use crate::entities::Order;

/// For sealed columns.
pub const TABLE: &str = "orders.pins";

async fn hash(tx: &mut Tx, vault: &Vault, order: OrderId, stop: Stop, pin: &Private) -> Result<Vec<u8>> {
    let keys = vault.org(tx).await?;
    Ok(keys.index("orders.pins.hash", &format!("{order} {} {}", stop.as_str(), pin.reveal())))
}

/// Sets a PIN anew: wrong tries are forgotten.
pub async fn set(tx: &mut Tx, vault: &Vault, order: &Order, stop: Stop, pin: &Private) -> Result<()> {
    let org = tx.org()?;
    let hash = hash(tx, vault, order.id, stop, pin).await?;
    let (id, subject): (Uuid, SubjectId) = (tx.id(), order.dropoff.subject);
    let shown = (stop == Stop::Dropoff).then_some(pin);
    let sealed = seal_said(tx, vault, subject, Place::new(TABLE, "pin", id), shown).await?;
    sqlx::query!(
        "INSERT INTO orders.pins (org_id, order_id, stop, hash, id, subject_id, pin) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org_id, order_id, stop) DO UPDATE
            SET hash = $4, wrong = 0, id = $5, subject_id = $6, pin = $7",
        org.uuid(),
        order.id.uuid(),
        stop.as_str(),
        hash,
        sealed.as_ref().map(|_| id),
        sealed.as_ref().map(|_| subject.uuid()),
        sealed,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether one was set.
pub async fn is_set(tx: &mut Tx, order: OrderId, stop: Stop) -> Result<bool> {
    let org = tx.org()?;
    let set = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM orders.pins WHERE org_id = $1 AND order_id = $2 AND stop = $3) AS "set!""#,
        org.uuid(),
        order.uuid(),
        stop.as_str(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(set)
}

/// The PIN of an order's drop-off; `None` when none was set, or when its person was erased.
pub async fn of_dropoff(tx: &mut Tx, vault: &Vault, order: OrderId) -> Result<Option<Private>> {
    let org = tx.org()?;
    let row = sqlx::query!(
        "SELECT id, subject_id, pin FROM orders.pins WHERE org_id = $1 AND order_id = $2 AND stop = 'dropoff'",
        org.uuid(),
        order.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some((id, subject, pin)) = row.and_then(|row| Some((row.id?, row.subject_id, row.pin))) else {
        return Ok(None);
    };
    open_said(tx, vault, subject, Place::new(TABLE, "pin", id), pin.as_ref()).await
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
