//! The fenced lease of an organisation's reconciler.
//!
//! Whoever takes it gets a higher number than everybody before. Deciding takes time and asks other services, so no row is
//! locked meanwhile; what was decided is written only while the number is still the highest ([`hold`]). A process that was
//! stopped in between finds that it is not.
//!
//! Who finds it taken asks the holder to look once more afterwards ([`ask`]).

use std::time::Duration;

use platform::Result;
use platform::db::Tx;

/// How long a reconciler may take before another one may begin.
const LEASE: Duration = Duration::from_secs(30);

/// Takes the lease; `None` while somebody has it. The row of the policy must be there.
pub async fn take(tx: &mut Tx) -> Result<Option<i64>> {
    let org = tx.org()?;
    let seconds = f64::from(u32::try_from(LEASE.as_secs()).unwrap_or(30));
    Ok(sqlx::query_scalar!(
        "UPDATE dispatch.policies
            SET fence = fence + 1, lease_until = clock_timestamp() + make_interval(secs => $2), again = false
          WHERE org_id = $1 AND lease_until < clock_timestamp() RETURNING fence",
        org.uuid(),
        seconds,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether this is still the last who took it. Nobody can take it before the transaction ends.
pub async fn hold(tx: &mut Tx, fence: i64) -> Result<bool> {
    let org = tx.org()?;
    let last =
        sqlx::query_scalar!("SELECT fence FROM dispatch.policies WHERE org_id = $1 FOR UPDATE", org.uuid(),)
            .fetch_optional(tx.conn())
            .await?;
    Ok(last == Some(fence))
}

/// Asks the holder to look once more afterwards; whether there is one.
pub async fn ask(tx: &mut Tx) -> Result<bool> {
    let org = tx.org()?;
    let asked = sqlx::query!(
        "UPDATE dispatch.policies SET again = true WHERE org_id = $1 AND lease_until >= clock_timestamp()",
        org.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(asked.rows_affected() > 0)
}

/// Gives it back, for the next one to begin at once; whether somebody asked meanwhile. Nothing where it was lost.
pub async fn give_back(tx: &mut Tx, fence: i64) -> Result<bool> {
    let org = tx.org()?;
    let again = sqlx::query_scalar!(
        "UPDATE dispatch.policies SET lease_until = '-infinity' WHERE org_id = $1 AND fence = $2 RETURNING again",
        org.uuid(),
        fence,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(again == Some(true))
}
