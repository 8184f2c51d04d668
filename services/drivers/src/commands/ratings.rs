//! What customers thought of a delivery, counted for its driver.

use kernel::ids::{DriverId, OrderId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Result};

use crate::store::{drivers, ratings};

/// Counts one to five stars for a driver. False when the order was rated before: then nothing changes.
pub async fn rate(tx: &mut Tx, order: OrderId, driver: DriverId, stars: u8) -> Result<bool> {
    if !(1..=5).contains(&stars) {
        return Err(Error::invalid_field("/stars", "one to five"));
    }
    let stars = i16::from(stars);
    let locked = drivers::lock(tx, driver).await?.ok_or_else(|| Error::not_found("driver"))?;
    if !ratings::insert(tx, order, driver, stars).await? {
        return Ok(false);
    }
    drivers::rated(tx, &locked, stars).await?;
    let detail = serde_json::json!({ "order_id": order, "stars": stars });
    tx.audit(Entry::new("rate_driver", "driver", driver).detail(detail)).await?;
    Ok(true)
}
