//! The settings of an organisation.

use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use crate::store::settings::{self, Settings};

/// Puts other settings in the place of those that the caller has seen.
pub async fn put(tx: &mut Tx, wanted: Settings, seen: impl Fn(i64) -> Result<()> + Send) -> Result<Settings> {
    let before = settings::find(tx).await?;
    seen(before.version)?;
    let after = Settings { version: before.version + 1, ..wanted };
    if !settings::save(tx, &after).await? {
        return Err(Error::new(Kind::Stale, "stale", "The object has changed since you read it.")
            .with_extension("current_version", after.version));
    }
    let org = tx.org()?;
    tx.audit(Entry::new("put_tracking_settings", "tracking_settings", org).before(&before)?.after(&after)?)
        .await?;
    Ok(after)
}
