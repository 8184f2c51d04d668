//! What drivers said about their availability, taken or not.

use contracts::drivers::Availability;
use jiff_sqlx::ToSqlx;
use kernel::ids::{DriverId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;

/// One line of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub driver: DriverId,
    /// What held when it arrived.
    pub from: Availability,
    /// What was said.
    pub to: Availability,
    /// By the device's clock.
    pub at: Timestamp,
    /// Whether it holds since.
    pub taken: bool,
}

/// Writes a line.
pub async fn insert(tx: &mut Tx, line: Line) -> Result<()> {
    let (id, org, now): (Uuid, _, _) = (tx.id(), tx.org()?, tx.now());
    let actor = tx.scope().actor.clone();
    sqlx::query!(
        "INSERT INTO drivers.availability_changes
             (org_id, id, driver_id, from_word, to_word, at, recorded_at, taken, actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        org.uuid(),
        id,
        line.driver.uuid(),
        line.from.as_str(),
        line.to.as_str(),
        line.at.to_sqlx() as _,
        now.to_sqlx() as _,
        line.taken,
        actor,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
