//! Changing what an organisation wants of dispatch.

use platform::Result;
use platform::audit::Entry;
use platform::db::Tx;

use crate::domain::policy::Policy;
use crate::jobs::reconcile::Reconcile;
use crate::store::{orders, policies};

/// Replaces the policy, if the caller has seen its present version; the version after that.
pub async fn replace(tx: &mut Tx, policy: &Policy, seen: impl Fn(i64) -> Result<()> + Send) -> Result<i64> {
    policies::ensure(tx).await?;
    let (before, version) = policies::lock(tx).await?;
    seen(version)?;
    let locked = policies::update(tx, policy).await?;
    let org = tx.org()?;
    let entry = Entry::new("put_dispatch_policy", "dispatch_policy", org);
    tx.audit(entry.before(&before)?.after(policy)?).await?;
    // What waited for a person may be for the new strategy.
    orders::wake(tx).await?;
    Reconcile::enqueue(tx).await?;
    Ok(locked.version())
}
