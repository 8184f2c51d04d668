//! A driver says what they do now, or somebody who dispatches says it for them.

use contracts::drivers::Availability;
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::Result;
use platform::audit::Entry;
use platform::auth::Principal;
use platform::db::Tx;

use super::save::save;
use crate::access;
use crate::domain::availability::{Decision, State, decide, time};
use crate::domain::documents::{day, expired};
use crate::entities::Plain;
use crate::store::drivers::{self, StoredDriver};
use crate::store::history;

/// Takes what was said; the driver as they are now, and whether it holds.
pub async fn say(
    tx: &mut Tx,
    principal: &Principal,
    id: DriverId,
    to: Availability,
    at: Option<Timestamp>,
) -> Result<(StoredDriver, bool)> {
    let now = tx.now();
    let at = time(now, at)?;
    let before = access::lock(tx, principal, id).await?;
    let plain = &before.plain;
    let state = State {
        availability: plain.availability,
        tapped_at: plain.tapped_at,
        active: plain.active,
        expired: plain.documents_lapsed || expired(before.documents_until, day(now)),
    };
    let decision = decide(state, to, at)?;
    let after = match decision {
        Decision::Late => {
            let from = plain.availability;
            history::insert(tx, history::Line { driver: id, from, to, at, taken: false }).await?;
            before.clone()
        }
        Decision::Same => {
            drivers::tapped(tx, &before, at).await?;
            before.clone()
        }
        Decision::Taken => {
            let plain = Plain { availability: to, availability_since: at, tapped_at: at, ..plain.clone() };
            save(tx, &before, plain, &[]).await?
        }
    };
    let detail = serde_json::json!({ "said": to, "at": at, "taken": decision != Decision::Late });
    let entry = Entry::new("set_driver_availability", "driver", id).before(&before.plain)?;
    tx.audit(entry.after(&after.plain)?.detail(detail)).await?;
    Ok((after, decision != Decision::Late))
}
