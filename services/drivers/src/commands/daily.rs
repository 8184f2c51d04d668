//! What a day brings without anybody having done anything: documents run out, and shifts come within the week of which
//! events tell.

use kernel::ids::DriverId;
use platform::Result;
use platform::audit::Entry;
use platform::db::Tx;

use super::save::save;
use crate::domain::documents::{day, expired};
use crate::store::drivers;

/// Looks at one driver who is due. Once: a second look finds nothing new to say about documents, and does no harm about
/// shifts.
pub async fn look(tx: &mut Tx, id: DriverId) -> Result<()> {
    let Some(before) = drivers::lock(tx, id).await? else { return Ok(()) };
    let now = tx.now();
    let (mut plain, mut changed) = (before.plain.clone(), vec!["shifts"]);
    if !plain.documents_lapsed && expired(before.documents_until, day(now)) {
        plain.documents_lapsed = true;
        plain.off_duty(now);
        changed = vec!["documents", "shifts"];
    }
    let after = save(tx, &before, plain, &changed).await?;
    let entry = Entry::new("drivers.daily", "driver", id).before(&before.plain)?.after(&after.plain)?;
    tx.audit(entry.detail(serde_json::json!({ "changed": changed }))).await
}
