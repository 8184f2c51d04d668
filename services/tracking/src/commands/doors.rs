//! Learning where doors are, and searching with what was learned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::ids::OrgId;
use kernel::time::{SignedDuration, Timestamp};
use places::Overlay;
use platform::db::Scope;
use platform::{Error, Kind, Result};

use crate::context::Tracking;
use crate::domain::doors::{doors, overlay};
use crate::store::doors as store;

/// Hand-overs are noted while positions are kept; two nights, in case one was missed.
const NEW: SignedDuration = SignedDuration::from_hours(49);

/// Doors as they were last read, by organisation.
#[derive(Debug, Default)]
pub struct Doors {
    known: Mutex<HashMap<OrgId, (Timestamp, Arc<Overlay>)>>,
}

impl Doors {
    /// The search with an organisation's doors; empty where none were learned.
    pub async fn of(&self, tracking: &Tracking, scope: &Scope) -> Result<Arc<Overlay>> {
        let mut tx = tracking.db().read(scope).await?;
        let org = tx.org()?;
        let learned_at = store::learned_at(&mut tx).await?;
        let held = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&org).cloned();
        let found = match (learned_at, held) {
            (None, _) => Arc::default(),
            (Some(at), Some((known_at, doors))) if at == known_at => doors,
            (Some(at), _) => {
                let doors = overlay(&store::list(&mut tx).await?);
                let doors = Arc::new(doors.map_err(|error| Error::internal("the doors").with_source(error))?);
                let entry = (at, Arc::clone(&doors));
                self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(org, entry);
                doors
            }
        };
        tx.rollback().await?;
        Ok(found)
    }
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
