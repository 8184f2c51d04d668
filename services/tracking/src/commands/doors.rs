//! Learning where doors are, and searching with what was learned.

use std::sync::Arc;

use kernel::time::SignedDuration;
use places::Overlay;
use platform::db::Scope;
use platform::{Error, Kind, Result};

use crate::context::Tracking;
use crate::domain::doors::{doors, overlay};
use crate::store::doors as store;

/// Hand-overs are noted while positions are kept; two nights, in case one was missed.
const NEW: SignedDuration = SignedDuration::from_hours(49);

/// The search with an organisation's doors; empty where none were learned.
pub async fn known(tracking: &Tracking, scope: &Scope) -> Result<Arc<Overlay>> {
    let mut tx = tracking.db().read(scope).await?;
    let org = tx.org()?;
    let Some(at) = store::learned_at(&mut tx).await? else {
        tx.rollback().await?;
        return Ok(Arc::default());
    };
    if let Some(doors) = tracking.doors().get(org, at) {
        tx.rollback().await?;
        return Ok(doors);
    }
    let doors = overlay(&store::list(&mut tx).await?);
    tx.rollback().await?;
    let doors = doors.map_err(|error| Error::internal("the doors").with_source(error))?;
    Ok(tracking.doors().put(org, at, doors))
}

/// Learns where the doors of an organisation's customers are; how many are known. Without a map it only remembers where couriers
/// stood.
pub async fn learn(tracking: &Tracking, scope: &Scope) -> Result<usize> {
    let now = tracking.db().clock().now();
    let since = now.checked_sub(NEW).map_err(Error::internal)?;
    let handovers = tracking
        .db()
        .run(scope, move |tx| {
            Box::pin(async move {
                store::note_handovers(tx, since).await?;
                store::handovers(tx).await
            })
        })
        .await?;
    let found = tracking.atlas().ask(move |charts| Ok(doors(&handovers, charts.places()?))).await;
    let found = match found {
        Ok(found) => Arc::new(found),
        Err(error) if error.kind() == Kind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let count = found.len();
    tracking
        .db()
        .run(scope, move |tx| {
            let found = Arc::clone(&found);
            Box::pin(async move { store::replace(tx, &found).await })
        })
        .await?;
    Ok(count)
}
