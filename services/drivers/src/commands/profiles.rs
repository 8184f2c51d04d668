//! Adding drivers by hand, and changing what is known of them.

use std::collections::BTreeSet;

use kernel::geo::Position;
use kernel::ids::{DriverId, VehicleId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::{Private, Vault};
use platform::{Error, Result};

use super::save::{save, tell_created};
use crate::entities::{Driver, Personal, Plain};
use crate::store::{drivers, vehicles};

/// Adds a driver without an account.
pub async fn create(tx: &mut Tx, vault: &Vault, change: Change) -> Result<Driver> {
    let now = tx.now();
    let (mut personal, mut plain) = (Personal::default(), Plain::new(now));
    change.apply(&mut personal, &mut plain);
    check_vehicle(tx, plain.vehicle_id).await?;
    let driver = drivers::insert(tx, None, plain).await?.ok_or_else(|| Error::internal("not inserted"))?;
    if personal != Personal::default() {
        drivers::seal(tx, vault, driver.id, &personal).await?;
    }
    tell_created(tx, &driver).await?;
    tx.audit(Entry::new("create_driver", "driver", driver.id).after(&driver.plain)?).await?;
    Ok(driver.with(personal))
}

/// What changes about a driver; what is `None` stays.
#[derive(Debug, Clone, Default)]
#[expect(clippy::option_option, reason = "unchanged, cleared and a value are three things")]
pub struct Change {
    /// As the driver wants to be called.
    pub name: Option<Option<Private>>,
    /// E.164.
    pub phone: Option<Option<Private>>,
    /// For managers.
    pub notes: Option<Option<Private>>,
    /// What the driver drives.
    pub vehicle_id: Option<Option<VehicleId>>,
    /// What the driver can do or has.
    pub skills: Option<BTreeSet<String>>,
    /// Where the day begins.
    pub home: Option<Option<Position>>,
    /// Whether the driver works here.
    pub active: Option<bool>,
    /// Whether the driver is asked only during shifts.
    pub follows_shifts: Option<bool>,
}

impl Change {
    /// Applies it; the names of the fields that are different now.
    fn apply(self, personal: &mut Personal, plain: &mut Plain) -> Vec<&'static str> {
        let mut changed = Vec::new();
        set(&mut personal.name, self.name, "name", &mut changed);
        set(&mut personal.phone, self.phone, "phone", &mut changed);
        set(&mut personal.notes, self.notes, "notes", &mut changed);
        set(&mut plain.vehicle_id, self.vehicle_id, "vehicle", &mut changed);
        set(&mut plain.skills, self.skills, "skills", &mut changed);
        set(&mut plain.home, self.home, "home", &mut changed);
        set(&mut plain.active, self.active, "active", &mut changed);
        set(&mut plain.follows_shifts, self.follows_shifts, "follows_shifts", &mut changed);
        changed
    }
}

fn set<T: PartialEq>(old: &mut T, new: Option<T>, name: &'static str, changed: &mut Vec<&'static str>) {
    if let Some(new) = new.filter(|new| new != old) {
        *old = new;
        changed.push(name);
    }
}

/// Changes a driver, if the caller has seen the present version. Who does not work here any more is off duty.
pub async fn update(
    tx: &mut Tx,
    vault: &Vault,
    id: DriverId,
    seen: impl FnOnce(i64) -> Result<()> + Send,
    change: Change,
) -> Result<Driver> {
    // The vehicle first, as its own commands do: two changes at once wait for each other instead of both failing.
    check_vehicle(tx, change.vehicle_id.flatten()).await?;
    let before = drivers::lock(tx, id).await?.ok_or_else(|| Error::not_found("driver"))?;
    seen(before.version)?;
    let known = drivers::open(tx, vault, &before).await?;
    let (mut personal, mut plain) = (known.clone(), before.plain.clone());
    let changed = change.apply(&mut personal, &mut plain);
    if personal != known {
        drivers::seal(tx, vault, id, &personal).await?;
    }
    if !plain.active {
        plain.off_duty(tx.now());
    }
    let after = save(tx, &before, plain, &changed).await?;
    let detail = serde_json::json!({ "changed": changed });
    let entry = Entry::new("update_driver", "driver", id).before(&before.plain)?.after(&after.plain)?;
    tx.audit(entry.detail(detail)).await?;
    Ok(after.with(personal))
}

/// A driver drives a vehicle that is there, and stays while the transaction runs.
async fn check_vehicle(tx: &mut Tx, vehicle: Option<VehicleId>) -> Result<()> {
    match vehicle {
        Some(id) if vehicles::lock(tx, id).await?.is_none() => Err(Error::not_found("vehicle")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> kernel::time::Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn only_what_is_different_counts_as_changed() {
        let (mut personal, mut plain) = (Personal::default(), Plain::new(now()));
        let change = Change {
            name: Some(Some("Ada".into())),
            phone: Some(None),
            skills: Some(BTreeSet::from(["a".to_owned()])),
            home: Some(None),
            active: Some(true),
            follows_shifts: Some(true),
            ..Change::default()
        };
        let changed = change.clone().apply(&mut personal, &mut plain);
        assert_eq!(changed, ["name", "skills", "follows_shifts"]);
        assert_eq!(change.apply(&mut personal, &mut plain), Vec::<&str>::new(), "the second time nothing");
        let cleared = Change { name: Some(None), ..Change::default() };
        assert_eq!(cleared.apply(&mut personal, &mut plain), ["name"]);
        assert_eq!(personal, Personal::default());
    }
}
